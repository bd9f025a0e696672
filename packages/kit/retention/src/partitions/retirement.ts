/** The record of partitions on their way out, kept as the service role: the tables' owner is filtered. */
import type { Connection } from '@tenantry/core'
import { ROLES } from '../names.ts'

export interface Retirement {
  readonly id: string
  readonly parent: string
  /** `schema.name`, and quoted for SQL. */
  readonly partition: string
  readonly sql: string
  readonly bound: string
  readonly fingerprint: string | null
  /** Ids of archive segments. */
  readonly segments: readonly string[]
  /** It still ends at or before the moment that the caller names. */
  readonly due: boolean
}

/** Runs a part of a transaction as the service role. */
export async function asService<T>(connection: Connection, run: () => Promise<T>): Promise<T> {
  await connection.script(`set local role ${ROLES.service}`)
  const result = await run()
  await connection.script('reset role')
  return result
}

/** Begins one, or goes on with the open one of the partition. */
export async function openRetirement(
  connection: Connection,
  { parent, partition, bound, fingerprint, segments }: Omit<Retirement, 'id' | 'sql' | 'due'>,
): Promise<void> {
  await connection.query({
    text: `
insert into tenantry.partition_retirements (parent, partition, bound, fingerprint, segments)
values ($1, $2, $3, $4, $5::uuid[])
on conflict (partition) where finished_at is null do update
set fingerprint = excluded.fingerprint, segments = excluded.segments`,
    params: [parent, partition, bound, fingerprint, segments],
  })
}

export async function openRetirements(
  connection: Connection,
  parent: string,
  before: string,
): Promise<readonly Retirement[]> {
  await connection.script(`set local time zone 'UTC'`)
  const { rows } = await connection.query({
    text: `
select id::text, partition, bound, fingerprint, pg_catalog.to_jsonb(segments),
  pg_catalog.quote_ident(pg_catalog.split_part(partition, '.', 1)) || '.' ||
  pg_catalog.quote_ident(pg_catalog.substr(partition, pg_catalog.strpos(partition, '.') + 1)),
  pg_catalog.btrim((pg_catalog.regexp_match(bound, 'TO \\((.+)\\)'))[1], '''')::timestamptz <= $2::timestamptz
from tenantry.partition_retirements
where parent = $1 and finished_at is null
order by created_at`,
    params: [parent, before],
  })
  return rows.map(([id, partition, bound, fingerprint, segments, sql, due]) => ({
    id: String(id),
    parent,
    partition: String(partition),
    bound: String(bound),
    fingerprint: fingerprint === null ? null : String(fingerprint),
    segments: segments as readonly string[],
    sql: String(sql),
    due: due === true,
  }))
}

export async function closeRetirement(
  connection: Connection,
  id: string,
  outcome: 'dropped' | 'kept',
): Promise<void> {
  await connection.query({
    text: `
update tenantry.partition_retirements
set finished_at = pg_catalog.now(), outcome = $2
where id = $1::uuid and finished_at is null`,
    params: [id, outcome],
  })
}

/** In the transaction that drops: that the rows of its segments are deleted, and may be restored. */
export async function noteDeleted(connection: Connection, { segments }: Retirement): Promise<void> {
  if (segments.length === 0) return
  await connection.query({
    text: `
insert into tenantry.retention_batches (run_id, segment_id, fence, effect, changed, first_line, last_line, kept_lines)
select
  segment.run_id, segment.id, coalesce(lease.fence, 0), 'drop-partition', segment.row_count::integer,
  0, segment.row_count::integer - 1, '{}'
from tenantry.archive_segments as segment
left join tenantry.retention_leases as lease on lease.rule = segment.rule
where segment.id = any ($1::uuid[])`,
    params: [segments],
  })
}
