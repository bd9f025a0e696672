/** What a caller gives, checked before anything is sent. The database checks it again. */
import { ValidationError } from '@tenantry/core'
import type { PlansPlan } from './plan.ts'

type Declared = PlansPlan['features'][number]

/** Amounts have at most six decimals; beyond this a double has no room for them. */
const AMOUNT_MAX = 1e9
export const KEY_LENGTH_MAX = 200
/** Subjects are part of an index, whose rows have an end. */
const SUBJECT_LENGTH_MAX = 200
export const TTL_MAX_MS = 365 * 24 * 3600 * 1000

export function checkedFeature({ features }: PlansPlan, name: string): Declared {
  const feature = features.find((known) => known.name === name)
  if (feature === undefined)
    throw invalid('feature', `must be one of ${features.map((known) => known.name).join(', ')}`)
  if (feature.kind === 'allocated')
    throw invalid('feature', 'is the number of rows of a table, and not consumed by hand')
  return feature
}

export function checkedSubject(feature: Declared, subject: unknown): string {
  if (feature.subject === undefined) {
    if (subject === undefined) return ''
    throw invalid('subject', `must not be given: ${feature.name} isn't counted by subject`)
  }
  if (
    typeof subject === 'string' &&
    subject !== '' &&
    subject.length <= SUBJECT_LENGTH_MAX &&
    !subject.includes('\0')
  ) {
    return subject
  }
  throw invalid(
    'subject',
    `must say which ${feature.subject} it is for, in 1 to ${SUBJECT_LENGTH_MAX} characters`,
  )
}

/** `feature` null: whole or not is known to the database alone. */
export function checkedAmount(feature: Declared | null, amount: unknown, { zero = false } = {}): number {
  if (
    typeof amount !== 'number' ||
    !Number.isFinite(amount) ||
    amount > AMOUNT_MAX ||
    amount < 0 ||
    (amount === 0 && !zero)
  ) {
    throw invalid('amount', `must be a number ${zero ? 'from' : 'above'} 0, at most ${AMOUNT_MAX}`)
  }
  if (feature !== null && feature.kind !== 'costed' && !Number.isInteger(amount)) {
    throw invalid('amount', `must be whole: ${feature.name} is counted in units`)
  }
  const rounded = Number(amount.toFixed(6))
  if (rounded === 0 && !zero) throw invalid('amount', 'must have at most six decimals')
  return rounded
}

export function checkedKey(key: unknown): string {
  if (typeof key === 'string' && key !== '' && key.length <= KEY_LENGTH_MAX && !key.includes('\0')) return key
  throw invalid('key', `must be a text of 1 to ${KEY_LENGTH_MAX} characters`)
}

export function checkedTtl(ttlMs: unknown): number {
  if (typeof ttlMs === 'number' && Number.isInteger(ttlMs) && ttlMs > 0 && ttlMs <= TTL_MAX_MS) return ttlMs
  throw invalid('ttlMs', `must be whole milliseconds, from 1 to ${TTL_MAX_MS}`)
}

function invalid(path: string, message: string): ValidationError {
  return new ValidationError(`The ${path} ${message}`, [{ path, message }])
}
