/** Finds topics as a feed reader would: by the words that a customer's pillars name. */
import type { Passage } from './corpus.ts'
import type { Pillar } from './customers.ts'

/** At least so many different words of one pillar, or it is a coincidence. */
const WORDS_MIN = 3

/** Of each year the passage that names most words of one pillar; of all years the best `count`, oldest first. */
export function discover(passages: readonly Passage[], pillars: readonly Pillar[], count: number): Passage[] {
  const patterns = pillars.map(
    ({ about }) => new RegExp(String.raw`\b(?:${about.split(' ').join('|')})\b`, 'gi'),
  )
  const bestOfYear = new Map<number, { passage: Passage; words: number }>()
  for (const passage of passages) {
    const words = Math.max(...patterns.map((pattern) => differentMatches(passage.text, pattern)))
    if (words >= WORDS_MIN && words > (bestOfYear.get(passage.year)?.words ?? 0)) {
      bestOfYear.set(passage.year, { passage, words })
    }
  }
  return [...bestOfYear.values()]
    .sort((a, b) => b.words - a.words || b.passage.year - a.passage.year)
    .slice(0, count)
    .map(({ passage }) => passage)
    .sort((a, b) => a.year - b.year)
}

function differentMatches(text: string, pattern: RegExp): number {
  return new Set(text.match(pattern)?.map((word) => word.toLowerCase())).size
}
