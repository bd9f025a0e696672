/** A read of one system against the same SQL by hand, without row security. */
import { connect, type Database } from '@tenantry/core'
import postgres from 'postgres'
import { interleave, medianRatio, serialBlock, typical } from './interleave.ts'
import { createLoginDatabase } from './login-database.ts'
import type { Call } from './scenario.ts'
import type { Line } from './table.ts'

/** What each side may take longer than the other one. */
const RATIO_MAX = 1.2

export interface ByHand<S> {
  readonly scenario: string
  readonly system: (database: Database) => S & { migrate(): Promise<unknown> }
  /** SQL that fills the tables, as the owner. */
  readonly seed: string
  /** Calls of a side before it is the other's turn. */
  readonly block: number
  /** The same read by both, each checking what it got. */
  readonly sides: (system: S, raw: postgres.Sql) => Promise<{ readonly ours: Call; readonly raw: Call }>
}

export async function byHandLine<S>(serverUrl: string, quick: boolean, given: ByHand<S>): Promise<Line> {
  const database = await createLoginDatabase(serverUrl, async (ownerUrl) => {
    const owner = await connect(ownerUrl)
    await given
      .system(owner)
      .migrate()
      .finally(() => owner.close())
    await seed(ownerUrl, given.seed)
  })
  const raw = postgres(database.ownerUrl, { max: 1, onnotice: () => {} })
  const app = await connect({ url: database.appUrl, maxConnections: 1 })
  try {
    const turns = quick ? { rounds: 6, warmUp: 2 } : { rounds: 30, warmUp: 4 }
    const sides = await given.sides(given.system(app), raw)
    const rounds = await interleave(sides, turns, serialBlock(given.block))
    const time = (side: 'ours' | 'raw') => `${Math.round(typical(rounds, side))} µs`
    return {
      scenario: given.scenario,
      measure: 'p50',
      of: 'tenantry',
      reference: 'the query by hand',
      ours: time('ours'),
      other: time('raw'),
      ratio: medianRatio(rounds, 'ours', 'raw'),
      target: { relation: '≤', value: RATIO_MAX },
    }
  } finally {
    await app.close()
    await raw.end({ timeout: 5 })
    await database.remove()
  }
}

/**
 * On a connection of its own: a session that has seeded keeps the memory that it took, and would answer large rows
 * in half the time of a fresh one. Below no policy: the tables' owner is held to them.
 */
async function seed(ownerUrl: string, text: string): Promise<void> {
  const owner = postgres(ownerUrl, { max: 1, onnotice: () => {} })
  await owner.unsafe(text)
  await owner`vacuum analyze`
  await owner.end({ timeout: 5 })
}
