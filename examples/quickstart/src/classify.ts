/** Says which pillar a text belongs to, how well, and from which angle it speaks. A host would ask a model. */
import type { HookAngle } from '@tenantry/contentpilot/types'
import { type Embedder, similarity } from './embedder.ts'

export interface Verdict<P> {
  readonly pillar: P
  /** 0..100; ContentPilot archives what is below 70. */
  readonly score: number
  readonly hookAngle: HookAngle
  /** Words that the text and the pillar share, the rarest first. */
  readonly sharedWords: readonly string[]
}

/** Similarity that counts as a perfect match. A passage shares few words with a pillar's eight: 1 is out of reach. */
const SIMILARITY_FULL = 0.35

export function classify<P extends { readonly about: string }>(
  text: string,
  pillars: readonly P[],
  embedder: Embedder,
): Verdict<P> {
  const embedding = embedder.embed(text)
  const [best] = pillars
    .map((pillar) => ({ pillar, near: similarity(embedding, embedder.embed(pillar.about)) }))
    .sort((a, b) => b.near - a.near)
  if (best === undefined) throw new Error('There are no pillars to choose from')
  return {
    pillar: best.pillar,
    score: Math.max(0, Math.min(100, Math.round((100 * best.near) / SIMILARITY_FULL))),
    hookAngle: angleOf(text),
    sharedWords: embedder.sharedWords(text, best.pillar.about),
  }
}

const ANGLES: Readonly<Record<HookAngle, RegExp>> = {
  rational:
    /\d[\d,.]*|\b(?:because|therefore|percent|per cent|amount\w*|cost\w*|fact\w*|report\w*|result\w*|estimate\w*)\b/gi,
  emotional:
    /\b(?:fear\w*|hope\w*|suffer\w*|burden\w*|courage|faith|famil\w+|children|homes?|pride|proud|unjust|evil|danger\w*|distress\w*)\b/gi,
  aspirational:
    /\b(?:will|shall|must|future|build\w*|better|great\w*|new|progress|opportunit\w+|prosper\w*|let us|generations?)\b/gi,
}

/** How much a text speaks from an angle: its signal words per hundred characters. */
export function angleStrength(text: string, angle: HookAngle): number {
  return (100 * (text.match(ANGLES[angle])?.length ?? 0)) / text.length
}

function angleOf(text: string): HookAngle {
  const angles: readonly HookAngle[] = ['rational', 'emotional', 'aspirational']
  return angles.reduce((best, other) =>
    angleStrength(text, other) > angleStrength(text, best) ? other : best,
  )
}
