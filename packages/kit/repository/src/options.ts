/** Options of the reading methods. */
import { invalid } from './invalid.ts'

/** A page for a person. Also the size of answer that every caller can hold. */
export const LIMIT_DEFAULT = 20
export const LIMIT_MAX = 200

/** Rows of one statement of a stream: enough to make the round trip small, few enough to hold in memory. */
export const BATCH_DEFAULT = 500
export const BATCH_MAX = 5000

/** A misspelt option would silently widen the question; it is refused like an unknown field. */
export function knownOptions(table: string, options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((name) => !known.includes(name))
  if (unknown !== undefined) throw invalid(table, [unknown], `No such option; there are ${known.join(', ')}`)
}

export function bounded(
  table: string,
  name: string,
  value: number | undefined,
  { fallback, max }: { readonly fallback: number; readonly max: number },
): number {
  if (value === undefined) return fallback
  if (!Number.isInteger(value) || value < 1 || value > max) {
    throw invalid(table, [name], `Expected a whole number from 1 to ${max}`)
  }
  return value
}
