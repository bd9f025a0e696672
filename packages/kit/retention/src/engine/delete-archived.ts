/** Deletes what an object holds, and nothing that has changed since it was written. */
import type { Connection } from '@tenantry/core'
import { quoteIdentifier } from '@tenantry/ddl'
import { textOf } from '../format/lines.ts'
import { eligible, type Phase, type Stays } from '../rule/phase.ts'
import { AdaptiveBatch } from './adaptive.ts'
import { closeIn } from './batches.ts'
import type { ReadBack } from './read-back.ts'
import type { Segment } from './segments.ts'
import { lineOf, qualified, typeOf, valueIn } from './shape.ts'
import type { Work } from './work.ts'

/**
 * Sends the lines that were read back to the server, which deletes the row of each line's key if the row, written as
 * a line now, is that line, and if the rule and the holds still allow it. A row's own content decides, not `xmin`:
 * that would have to be kept beside the archive, differs after a restore, and says that a row was written to, not
 * that the archive lacks something.
 *
 * Returns false where budget or signal ended it before its end.
 */
export async function deleteArchived(
  work: Work,
  phase: Phase,
  segment: Segment,
  { content, ends }: ReadBack,
): Promise<boolean> {
  const batch = new AdaptiveBatch(work.rule.batch)
  let first = segment.linesDone
  while (first < ends.length) {
    if (!(await work.proceed())) return false
    const rows = Math.min(batch.rows, ends.length - first)
    const last = first + rows - 1
    const lines = textOf(content, first === 0 ? 0 : (ends[first - 1] ?? 0), (ends[last] ?? 1) - 1)
    const started = performance.now()
    const outcome = await closeIn(batch, rows, () =>
      work.change((connection, stays) =>
        deleteLines(connection, work, phase, { segment, first, last, lines, stays }),
      ),
    )
    if (outcome === 'narrowed') continue
    const { changed, kept } =
      outcome ?? (await work.change((connection) => keepLine(connection, work, segment, first)))
    const ms = performance.now() - started
    if (outcome !== null) batch.took(ms)
    first = last + 1
    work.tally.add('delete', changed)
    work.tally.kept += kept
    work.tally.busyMs += ms
    work.tell({ type: 'batch', effect: 'delete', changed, kept, ms, nextRows: batch.rows })
  }
  return true
}

interface Lines {
  readonly segment: Segment
  readonly first: number
  readonly last: number
  readonly lines: string
  readonly stays: Stays
}

interface Deleted {
  readonly changed: number
  readonly kept: number
}

async function deleteLines(
  connection: Connection,
  work: Work,
  phase: Phase,
  { segment, first, last, lines, stays }: Lines,
): Promise<Deleted> {
  const { rule, shape } = work
  const { target } = rule
  const keys = shape.primaryKey.map((name, index) => ({
    own: qualified(target, name),
    alias: quoteIdentifier(`key_${index}`),
    value: `${valueIn('line.text', segment.shape, name)}::${typeOf(shape, name)}`,
  }))
  const { rows } = await connection.query({
    text: `
with retention_lines as materialized (
  select line.number::integer + $6::integer - 1 as number, line.text, ${keys.map(({ value, alias }) => `${value} as ${alias}`).join(', ')}
  from pg_catalog.string_to_table($8, E'\\n') with ordinality as line (text, number)
),
gone as (
  delete from ${target.sql} using retention_lines
  where ${keys.map(({ own, alias }) => `${own} = retention_lines.${alias}`).join(' and ')}
    and ${eligible(rule, phase, stays)}
    and ${lineOf(target, segment.shape)} = retention_lines.text
  returning retention_lines.number
)
insert into tenantry.retention_batches (run_id, segment_id, fence, effect, changed, first_line, last_line, kept_lines)
select
  $3::uuid, $4::uuid, $5::bigint, 'delete', (select pg_catalog.count(*) from gone), $6::integer, $7::integer,
  array(select number from retention_lines except select number from gone order by 1)
returning changed, pg_catalog.cardinality(kept_lines)`,
    params: [...work.parameters, work.run.id, segment.id, work.fence, first, last, lines],
  })
  return { changed: Number(rows[0]?.[0]), kept: Number(rows[0]?.[1]) }
}

/** A row that can't be deleted now. */
async function keepLine(
  connection: Connection,
  work: Work,
  segment: Segment,
  line: number,
): Promise<Deleted> {
  await connection.query({
    text: `
insert into tenantry.retention_batches (run_id, segment_id, fence, effect, changed, first_line, last_line, kept_lines)
values ($1::uuid, $2::uuid, $3::bigint, 'delete', 0, $4::integer, $4::integer, array[$4::integer])`,
    params: [work.run.id, segment.id, work.fence, line],
    reusable: true,
  })
  return { changed: 0, kept: 1 }
}
