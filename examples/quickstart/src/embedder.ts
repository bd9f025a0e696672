/**
 * An embedder that needs no model and no network. A host of its own would call a service here; all that
 * ContentPilot asks for is 1,536 numbers for a text, nearer to each other the nearer the meaning.
 *
 * Words and pairs of neighbouring words are hashed into the dimensions, each weighted by how often the text
 * uses it and how rare it is elsewhere (tf-idf), and the result is scaled to length 1.
 */
import { EMBEDDING_DIMENSIONS } from '@tenantry/contentpilot/types'

export interface Embedder {
  /** The same text gives the same numbers, always. Length 1, or all zeros for a text without a known word. */
  embed(text: string): number[]
  /** Words that both texts use, the rarest first. */
  sharedWords(text: string, other: string): string[]
}

/** Document frequencies are counted in this many slots: enough that two terms rarely meet in one. */
const SLOTS = 2 ** 20
/** A term of fewer texts than this is left out: hardly any other text can share it, so it would only add noise. */
const TEXTS_MIN = 8
/** A pair says more than a word, but two texts that mean the same seldom share one. */
const PAIR_WEIGHT = 0.5

/** Learns from `texts` which words are rare. */
export function learnEmbedder(texts: Iterable<string>): Embedder {
  const frequency = new Uint32Array(SLOTS)
  const lastSeen = new Uint32Array(SLOTS)
  let documents = 0
  for (const text of texts) {
    documents += 1
    for (const { hash } of termsOf(wordsOf(text))) {
      const slot = hash % SLOTS
      if (lastSeen[slot] === documents) continue
      lastSeen[slot] = documents
      frequency[slot] = (frequency[slot] ?? 0) + 1
    }
  }
  const rarity = (hash: number): number => {
    const found = frequency[hash % SLOTS] ?? 0
    return found < TEXTS_MIN ? 0 : Math.log(documents / found)
  }

  return {
    embed(text) {
      const counts = new Map<number, number>()
      for (const { hash, weight } of termsOf(wordsOf(text)))
        counts.set(hash, (counts.get(hash) ?? 0) + weight)
      const vector = Array.from({ length: EMBEDDING_DIMENSIONS }, () => 0)
      for (const [hash, count] of counts) {
        const dimension = hash % EMBEDDING_DIMENSIONS
        // A sign from another part of the hash: terms that meet in one dimension cancel instead of adding up.
        const sign = (hash >>> 31) * 2 - 1
        vector[dimension] = (vector[dimension] ?? 0) + sign * Math.sqrt(count) * rarity(hash)
      }
      const length = Math.hypot(...vector)
      return length === 0 ? vector : vector.map((value) => value / length)
    },

    sharedWords(text, other) {
      const words = new Set(wordsOf(other))
      const shared = [...new Set(wordsOf(text))].filter((word) => words.has(word))
      return shared.sort((a, b) => rarity(hashOf(b)) - rarity(hashOf(a)) || (a < b ? -1 : 1))
    },
  }
}

/** Cosine similarity of two embeddings: 1 the same direction, 0 nothing in common. */
export function similarity(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, dimension) => sum + value * (b[dimension] ?? 0), 0)
}

/** Words that say nothing about what a text is about. */
const STOP_WORDS = new Set(
  `a about above after again against all also am among an and any are as at be because been before being below
  between both but by can could did do does doing down during each even ever every few for from further had has
  have having he her here hers him his how however i if in into is it its itself let made make many may me might
  more most much must my no nor not now of off on once one only or other our ours out over own same shall she
  should since so some such than that the their theirs them themselves then there therefore these they this those
  through thus to too under until up upon us very was we well were what when where whether which while who whom
  whose why will with within without would you your yours`.split(/\s+/),
)

/** Lower-case words without stop words, plural and singular as one. */
export function wordsOf(text: string): string[] {
  const words = text.toLowerCase().match(/\p{L}{3,}/gu) ?? []
  return words.filter((word) => !STOP_WORDS.has(word)).map(singular)
}

function singular(word: string): string {
  if (word.length < 4 || !word.endsWith('s') || word.endsWith('ss') || word.endsWith('us')) return word
  if (word.endsWith('ies')) return `${word.slice(0, -3)}y`
  return /(?:s|x|ch|sh)es$/.test(word) ? word.slice(0, -2) : word.slice(0, -1)
}

interface Term {
  readonly hash: number
  readonly weight: number
}

/** Each word, and each with the one before it. */
function* termsOf(words: readonly string[]): Generator<Term> {
  let before: number | undefined
  for (const word of words) {
    const hash = hashOf(word)
    yield { hash, weight: 1 }
    if (before !== undefined)
      yield { hash: (Math.imul(before, 0x9e3779b1) ^ hash) >>> 0, weight: PAIR_WEIGHT }
    before = hash
  }
}

const hashes = new Map<string, number>()

/** FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
function hashOf(word: string): number {
  const known = hashes.get(word)
  if (known !== undefined) return known
  let hash = 0x811c9dc5
  for (let at = 0; at < word.length; at += 1) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193)
  // The last bytes hardly reach the high bits, from which the sign comes: mix once more.
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = (hash ^ (hash >>> 13)) >>> 0
  hashes.set(word, hash)
  return hash
}
