import { ConfigurationError } from '@tenantry/core'
import type { DeclaredObject } from '../declared.ts'
import { IDENTIFIER_BYTES_MAX, quoteIdentifier, quoteLiteral } from '../identifiers.ts'
import { drizzleName, relation, type RelationReference } from '../relation.ts'
import { ensurePartitions } from './ensurePartitions.ts'
import { schema } from './schema.ts'

export interface PartitionedOptions {
  readonly table: RelationReference
  /** A date or timestamp column; it must be part of the primary key. */
  readonly by: string
  readonly every: 'month'
  /**
   * Months after the current one for which partitions are kept ready. Default and least: 3, so that a job
   * that stops is noticed long before a row finds no partition.
   */
  readonly aheadMonths?: number
  /** First month to make a partition for, as `YYYY-MM`. Default: the month before the migration runs. */
  readonly initialFrom?: string
}

export interface PartitionKeyObject extends DeclaredObject {
  readonly kind: 'table'
  readonly type: 'partition-key'
  readonly on: string
  readonly column: string
}

export interface PartitionsObject extends DeclaredObject {
  readonly kind: 'partition'
  readonly type: 'partitions'
  readonly on: string
  readonly aheadMonths: number
}

const AHEAD_MONTHS_MIN = 3
const MONTH_SUFFIX_BYTES = '_2026_02'.length

/**
 * Partitions a table by UTC months, from its first migration on; `partitionJobs` keeps partitions ahead.
 * There is no default partition: a row outside of all months is refused. A table that exists already can't
 * be partitioned this way, and the generator says so.
 */
export function partitioned(options: PartitionedOptions): readonly DeclaredObject[] {
  const target = relation(options.table)
  const aheadMonths = aheadOf(options)
  if (Buffer.byteLength(target.name) > IDENTIFIER_BYTES_MAX - MONTH_SUFFIX_BYTES) {
    throw new ConfigurationError(`The name ${target.label} is too long for a partitioned table`, {
      hint: `Its partitions append ${MONTH_SUFFIX_BYTES} characters, and ${IDENTIFIER_BYTES_MAX} is the limit`,
    })
  }
  const key: PartitionKeyObject = {
    kind: 'table',
    type: 'partition-key',
    id: `partition key of ${target.label}`,
    on: target.label,
    column: options.by,
    create: [],
    drop: [],
    change: 'refuse',
    amend: [
      {
        match: `CREATE TABLE ${drizzleName(target)} (`,
        put: ` PARTITION BY RANGE (${quoteIdentifier(options.by)})`,
      },
    ],
  }
  const partitions: PartitionsObject = {
    kind: 'partition',
    type: 'partitions',
    id: `partitions of ${target.label}`,
    on: target.label,
    aheadMonths,
    create: [
      `select tenantry.ensure_partitions(${quoteLiteral(target.sql)}, ${aheadMonths}, ${firstMonth(options)})`,
    ],
    drop: [],
    change: 'replace',
  }
  return [schema({ name: 'tenantry' }), ensurePartitions(), key, partitions]
}

export function aheadOf({ table, aheadMonths = AHEAD_MONTHS_MIN }: PartitionedOptions): number {
  if (!Number.isInteger(aheadMonths) || aheadMonths < AHEAD_MONTHS_MIN) {
    throw new ConfigurationError(
      `${relation(table).label}: aheadMonths is ${aheadMonths}; it must be a whole number of at least ${AHEAD_MONTHS_MIN}`,
    )
  }
  return aheadMonths
}

function firstMonth({ table, initialFrom }: PartitionedOptions): string {
  if (initialFrom === undefined) {
    return "(date_trunc('month', now() at time zone 'UTC') - interval '1 month')::date"
  }
  if (!/^\d{4}-(0[1-9]|1[0-2])$/.test(initialFrom)) {
    throw new ConfigurationError(`${relation(table).label}: initialFrom must be written as YYYY-MM`)
  }
  return quoteLiteral(`${initialFrom}-01`)
}
