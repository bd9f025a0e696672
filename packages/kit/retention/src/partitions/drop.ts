/** The last step: a detached partition is looked at once more, alone, and dropped in the same transaction. */
import type { Connection } from '@tenantry/core'
import type { TableGraph } from '../graph/table-graph.ts'
import { lockHolds } from '../holds/active.ts'
import { notHeld } from '../holds/not-held.ts'
import { ROLES } from '../names.ts'
import { attach, type PartitionDriver } from './detach.ts'
import { fingerprintOf } from './fingerprint.ts'
import type { PartitionedTable } from './read-partitions.ts'
import { asService, closeRetirement, noteDeleted, type Retirement } from './retirement.ts'

export type DropOutcome = 'dropped' | 'held' | 'changed'

/** Undoes the transaction and says why. */
class Kept extends Error {
  readonly outcome: Exclude<DropOutcome, 'dropped'>
  constructor(outcome: Exclude<DropOutcome, 'dropped'>) {
    super(outcome)
    this.outcome = outcome
  }
}

export interface DropOptions {
  /** Null: holds don't bind the table. */
  readonly graph: TableGraph | null
  /** What must hold for its rows: nothing, that there are none, or that they are as they were archived. */
  readonly contents: 'discard' | 'empty' | 'archived'
}

/** Drops it; where a row is held, or isn't as it was archived, attaches it again. */
export async function dropDetached(
  driver: PartitionDriver,
  parent: PartitionedTable,
  retirement: Retirement,
  options: DropOptions,
): Promise<DropOutcome> {
  try {
    await driver.transaction({ isolation: 'read committed' }, async (connection) => {
      const { sql } = retirement
      const holds = await asService(connection, () => lockHolds(connection))
      await connection.script(`lock table ${sql} in access exclusive mode`)
      // Nobody else can look: it is ours alone until it is gone, or the transaction undone.
      await connection.script(
        `alter table ${sql} disable row level security; grant select on table ${sql} to ${ROLES.service}`,
      )
      await asService(connection, async () => {
        if (!retirement.due || !(await asPromised(connection, parent, retirement, options.contents))) {
          throw new Kept('changed')
        }
        if (options.graph === null) return
        const free = notHeld(options.graph, { table: parent.target, alias: 'retired', holds })
        if (free === 'true') return
        const { rows } = await connection.query({
          text: `select from ${sql} as retired where not (${free}) limit 1`,
          params: [],
        })
        if (rows.length > 0) throw new Kept('held')
      })
      await connection.script(`drop table ${sql}`)
      await asService(connection, async () => {
        await noteDeleted(connection, retirement)
        await closeRetirement(connection, retirement.id, 'dropped')
      })
    })
    return 'dropped'
  } catch (error) {
    if (!(error instanceof Kept)) throw error
    await driver.transaction({}, async (connection) => {
      await attach(connection, parent.target.sql, retirement.sql, retirement.bound)
      await asService(connection, () => closeRetirement(connection, retirement.id, 'kept'))
    })
    return error.outcome
  }
}

async function asPromised(
  connection: Connection,
  { columns }: PartitionedTable,
  { sql, fingerprint }: Retirement,
  contents: DropOptions['contents'],
): Promise<boolean> {
  switch (contents) {
    case 'discard':
      return true
    case 'empty': {
      const { rows } = await connection.query({ text: `select from ${sql} limit 1`, params: [] })
      return rows.length === 0
    }
    case 'archived':
      return fingerprint !== null && fingerprint === (await fingerprintOf(connection, sql, columns))
  }
}
