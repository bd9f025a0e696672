/** Taking a partition out of its table, and putting it back. */
import { type Connection, type Driver, TimeoutError } from '@tenantry/core'
import type { Partition, PartitionedTable } from './read-partitions.ts'

export type PartitionDriver = Pick<Driver, 'transaction' | 'session'>

/** Tries of a detach that can't be concurrent, each short: whoever uses the table queues behind it. */
const PLAIN_ATTEMPTS = 20
const PLAIN_LOCK_TIMEOUT_MS = 50

/**
 * Detaches it without holding up anybody: the server marks it, and waits until whoever uses the table has ended.
 * False: that took longer than `waitMs`; the mark stays, and the next call finishes what was begun.
 */
export async function detach(
  driver: PartitionDriver,
  parent: PartitionedTable,
  partition: Partition,
  waitMs: number,
): Promise<boolean> {
  if (parent.hasDefault && !partition.detaching) return detachPlainly(driver, parent, partition)
  const how = partition.detaching ? 'finalize' : 'concurrently'
  return inTime(() =>
    driver.session(async (connection) => {
      await connection.query({
        text: `select pg_catalog.set_config('lock_timeout', $1, false), pg_catalog.set_config('statement_timeout', '0', false)`,
        params: [`${waitMs}ms`],
      })
      try {
        await connection.script(`alter table ${parent.target.sql} detach partition ${partition.sql} ${how}`)
      } finally {
        await connection.script('reset lock_timeout; reset statement_timeout').catch(() => {})
      }
    }),
  )
}

/** Beside a default partition PostgreSQL detaches under a lock of the whole table: only if it is to be had at once. */
async function detachPlainly(
  driver: PartitionDriver,
  parent: PartitionedTable,
  partition: Partition,
): Promise<boolean> {
  for (let attempt = 1; attempt <= PLAIN_ATTEMPTS; attempt++) {
    const done = await inTime(() =>
      driver.transaction({}, async (connection) => {
        await connection.script(`set local lock_timeout = '${PLAIN_LOCK_TIMEOUT_MS}ms'`)
        await connection.script(`alter table ${parent.target.sql} detach partition ${partition.sql}`)
      }),
    )
    if (done) return true
    await new Promise((resolve) => setTimeout(resolve, PLAIN_LOCK_TIMEOUT_MS * attempt))
  }
  return false
}

async function inTime(run: () => Promise<void>): Promise<boolean> {
  try {
    await run()
    return true
  } catch (error) {
    if (error instanceof TimeoutError) return false
    throw error
  }
}

/** What DETACH CONCURRENTLY leaves behind, by which attaching again needs no scan; afterwards it says nothing new. */
const LEFT_CHECK = `
select pg_catalog.quote_ident(conname)
from pg_catalog.pg_constraint
where conrelid = pg_catalog.to_regclass($1) and contype = 'c' and conislocal
  and pg_catalog.pg_get_constraintdef(oid) = 'CHECK (' || pg_catalog.pg_get_partition_constraintdef(conrelid) || ')'`

export async function attach(
  connection: Connection,
  parent: string,
  sql: string,
  bound: string,
): Promise<void> {
  await connection.script(`set local time zone 'UTC'; set local datestyle = 'ISO, YMD'`)
  await connection.script(`alter table only ${parent} attach partition ${sql} ${bound}`)
  const { rows } = await connection.query({ text: LEFT_CHECK, params: [sql] })
  for (const [name] of rows) await connection.script(`alter table ${sql} drop constraint ${String(name)}`)
}

/** Where pg_partman itself drops partitions of the table, it would do so without asking for archives or holds. */
export async function partmanDrops(connection: Connection, table: string): Promise<boolean> {
  const found = await connection.query({
    text: `
select pg_catalog.quote_ident(namespace.nspname)
from pg_catalog.pg_extension as extension
join pg_catalog.pg_namespace as namespace on namespace.oid = extension.extnamespace
where extension.extname = 'pg_partman'`,
    params: [],
  })
  const schema = found.rows[0]?.[0]
  if (schema === undefined) return false
  const { rows } = await connection.query({
    text: `select from ${String(schema)}.part_config where parent_table = $1 and retention is not null`,
    params: [table],
  })
  return rows.length > 0
}
