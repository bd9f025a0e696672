/** Rows that can't be changed: smaller batches close in on one, which is left alone, and the run goes on behind it. */
import { ForeignKeyError, TenantryError, TimeoutError } from '@tenantry/core'
import { RowsRefusedError } from '../errors.ts'
import type { AdaptiveBatch } from './adaptive.ts'
import type { Work } from './work.ts'

/** A single row is in the way of a batch. */
export class Obstacle {
  readonly error: TenantryError

  constructor(error: TenantryError) {
    this.error = error
  }

  /** Locked, or still referred to: it may go another time, and nobody needs to do anything about it. */
  get passes(): boolean {
    return this.error instanceof ForeignKeyError || this.error instanceof TimeoutError
  }
}

/** `narrowed`: try again with fewer rows. */
export async function closeIn<T>(
  batch: AdaptiveBatch,
  rows: number,
  change: () => Promise<T>,
): Promise<T | 'narrowed' | Obstacle> {
  try {
    return await change()
  } catch (error) {
    if (!(error instanceof TenantryError)) throw error
    const obstacle = new Obstacle(error)
    if (!obstacle.passes && !canBeOfARow(error)) throw error
    return batch.narrow(rows) ? 'narrowed' : obstacle
  }
}

/** Beyond, it isn't some rows that are in the way, but something else that concerns all of them. */
const REFUSED_MAX = 100

/**
 * Remembers a row that refuses, by its key, for the end of the run.
 *
 * @throws RowsRefusedError when there have been more than a run should go on behind.
 */
export function noteRefused(
  { rule, tally, shape }: Work,
  { error, passes }: Obstacle,
  columns: readonly string[],
  values: readonly (string | null)[],
): void {
  if (passes) return
  const key = Object.fromEntries(
    shape.primaryKey.map((name) => [name, values[columns.indexOf(name)] ?? null] as const),
  )
  tally.refused.push({ key, error })
  if (tally.refused.length > REFUSED_MAX) throw new RowsRefusedError(rule.target.label, tally.refused, null)
}

/** What a trigger, a rule of the table or a value can raise; not what the statement, the session or the server does. */
function canBeOfARow(error: TenantryError): boolean {
  const { cause } = error
  const state = cause instanceof Error && 'code' in cause ? String(cause.code) : ''
  return (
    /^[0-9A-Z]{5}$/.test(state) &&
    (state === '42501' || !/^(08|25|26|34|3D|40|42|53|54|57|58|XX)/.test(state))
  )
}
