/** Writes three posts about a passage, each from sentences of its speech. A host would ask a model. */
import type { HookAngle, VariantInput, VariantLetter } from '@tenantry/contentpilot/types'
import { angleStrength } from './classify.ts'
import { type Passage, sentencesOf, type Speech } from './corpus.ts'
import { type Embedder, similarity } from './embedder.ts'

/** Each variant opens from an angle of its own. */
const VARIANTS: readonly { readonly letter: VariantLetter; readonly angle: HookAngle }[] = [
  { letter: 'A', angle: 'rational' },
  { letter: 'B', angle: 'emotional' },
  { letter: 'C', angle: 'aspirational' },
]

/** A first line that is read before "see more" is about this long. */
const HOOK_CHARACTERS = { min: 30, max: 140 }
const CALL_CHARACTERS = { min: 30, max: 200 }
/** Hooks are chosen among so many sentences of the speech, those nearest to the topic. */
const HOOKS_CONSIDERED = 5
/** A call less similar to the topic than this calls for something else. */
const CALL_SIMILARITY_MIN = 0.1

/** Refers to a sentence before it, so it can't come first. */
const REFERRING =
  /^(?:it|its|this|that|these|those|they|their|he|his|such|but|and|so|however|therefore|as a result|for example)\b/i
const CALL =
  /\b(?:let us|we must|we should|should be|ought to|i urge|i ask|i recommend|i propose|it is time)\b/i

export function writeDrafts(
  passage: Passage,
  speech: Speech,
  pillar: string,
  embedder: Embedder,
): VariantInput[] {
  const topic = embedder.embed(passage.text)
  const sentences = sentencesOf(speech.text)
    .filter(({ length }) => length >= HOOK_CHARACTERS.min && length <= CALL_CHARACTERS.max)
    .map((text) => ({ text, near: similarity(topic, embedder.embed(text)) }))
    .sort((a, b) => b.near - a.near)
  const calls = sentences.filter(({ text, near }) => CALL.test(text) && near >= CALL_SIMILARITY_MIN)
  const hooks = sentences
    .filter(({ text }) => text.length <= HOOK_CHARACTERS.max && !CALL.test(text) && !REFERRING.test(text))
    .slice(0, HOOKS_CONSIDERED)
  return VARIANTS.flatMap(({ letter, angle }, at) => {
    const [hook] = hooks.sort(
      (a, b) => angleStrength(b.text, angle) - angleStrength(a.text, angle) || b.near - a.near,
    )
    if (hook === undefined) return []
    hooks.shift()
    const cta = calls[at]?.text ?? null
    const body = passage.sentences.filter((sentence) => sentence !== hook.text && sentence !== cta).join(' ')
    const hashtags = [pillar, passage.president, `SOTU ${passage.year}`].map(hashtag).join(' ')
    return body === '' ? [] : [{ variantLetter: letter, hook: hook.text, body, cta, hashtags }]
  })
}

/** `Forests and Rivers` → `#ForestsAndRivers`. */
function hashtag(words: string): string {
  return `#${words.replaceAll(/(?:^|[^\p{L}\p{N}]+)([\p{L}\p{N}]?)/gu, (_, first: string) => first.toUpperCase())}`
}
