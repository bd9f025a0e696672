/** Outside calls whose outcome isn't known yet: a unit of the plan is held while they run. */
import type { Executor } from '@tenantry/core'
import type { Hold } from '@tenantry/limits'
import { sql } from 'drizzle-orm'
import { plans, REGENERATION_HOLD } from '../database/plans.ts'
import type { HeldCall } from '../types/inputs.ts'

/** Unless the caller says otherwise: longer than any model takes to answer. */
const HOLD_MS = 15 * 60_000

/** Runs `run` while a generation is held, with nothing open in the database meanwhile; releases it if that throws. */
export function holdingGeneration<R>(
  executor: Executor,
  { key, ttlMs = HOLD_MS }: HeldCall,
  run: (hold: Hold) => Promise<R>,
): Promise<R> {
  return plans.bind(executor).withHold('generations', { key, ttlMs }, run)
}

/** The same with a regeneration of the topic. */
export function holdingRegeneration<R>(
  executor: Executor,
  topicId: string,
  { key, ttlMs = HOLD_MS }: HeldCall,
  run: (hold: Hold) => Promise<R>,
): Promise<R> {
  return plans.bind(executor).withHold('regenerations', { key, ttlMs, subject: topicId }, run)
}

/** In the transaction that keeps what the call brought, so that it is counted if and only if it is kept. */
export async function commitHold(within: Executor, hold: Hold): Promise<void> {
  await plans.bind(within).commit(hold)
}

export async function countGeneration(within: Executor): Promise<void> {
  await plans.bind(within).consume('generations')
}

/** A text that changes from here to the end of the transaction is the one that was held for. */
export async function regenerateUnder(within: Executor, hold: Hold): Promise<void> {
  await within.run(UNDER, { hold: hold.id })
}

const UNDER = {
  text: `select pg_catalog.set_config('${REGENERATION_HOLD}', $1, true)`,
  params: [sql.placeholder('hold')],
  gated: false,
}
