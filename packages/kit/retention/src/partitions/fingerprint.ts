/** Whether the rows of a partition are the same as before, whoever asks and through whatever relation. */
import type { Connection } from '@tenantry/core'
import { quoteIdentifier } from '@tenantry/ddl'
import type { Partition, PartitionedTable } from './read-partitions.ts'

/**
 * Number of rows and the sum of their hashes. The hash covers the transaction that wrote the row version, so that a
 * row which was changed and changed back counts as changed. The sum of 64-bit hashes doesn't depend on the order; it
 * guards against concurrent writers, not against somebody who forges hashes.
 */
const sumOf = (columns: readonly string[]): string => `
select pg_catalog.count(*) || ':' || coalesce(pg_catalog.sum(
  pg_catalog.hashtextextended(
    row(${columns.map((column) => `kept.${quoteIdentifier(column)}`).join(', ')})::text || ' ' || kept.xmin::text, 0
  )::numeric
), 0)`

/** By the text of the values: as the settings below write it. */
export const TEXT_SETTINGS = `
  set local time zone 'UTC'; set local datestyle = 'ISO, YMD'; set local intervalstyle = 'postgres';
  set local bytea_output = 'hex'; set local extra_float_digits = 1; set local jit = off`

/**
 * That a row of the table, as `kept`, lies in the partition whose bounds are `$1` and `$2`: pruned by, so only that
 * one is read.
 */
export function within({ by }: PartitionedTable): string {
  const column = `kept.${quoteIdentifier(by.name)}`
  return `${column} >= coalesce($1::timestamptz, '-infinity')::${by.type} and ${column} < coalesce($2::timestamptz, 'infinity')::${by.type}`
}

/** Of an attached partition, through its parent. */
export async function fingerprintThroughParent(
  connection: Connection,
  parent: PartitionedTable,
  { from, to }: Partition,
): Promise<string> {
  await connection.script(TEXT_SETTINGS)
  const { rows } = await connection.query({
    text: `${sumOf(parent.columns)} from ${parent.target.sql} as kept where ${within(parent)}`,
    params: [from, to],
  })
  return String(rows[0]?.[0])
}

/** Of a detached one. */
export async function fingerprintOf(
  connection: Connection,
  sql: string,
  columns: readonly string[],
): Promise<string> {
  await connection.script(TEXT_SETTINGS)
  const { rows } = await connection.query({ text: `${sumOf(columns)} from ${sql} as kept`, params: [] })
  return String(rows[0]?.[0])
}
