/** Deletes what an object holds, and nothing that has changed since it was written. */
import type { Connection, Statement } from '@tenantry/core'
import { SchemaChangedError } from '../errors.ts'
import { textOf } from '../format/lines.ts'
import { changesSince } from '../restore/schema-check.ts'
import { eligible, type Phase, type Stays } from '../rule/phase.ts'
import { from, upTo } from './access.ts'
import type { AdaptiveBatch } from './adaptive.ts'
import { closeIn, noteRefused, Obstacle } from './obstacle.ts'
import type { ReadBack } from './read-back.ts'
import type { Segment } from './segments.ts'
import { lineOf, noColumnBut, readShape } from './shape.ts'
import type { Work } from './work.ts'

/**
 * Sends the lines that were read back to the server, which deletes the rows that, written as lines now, are among
 * them, if the rule and the holds still allow it. A row's own content decides, not `xmin`: that would have to be kept
 * beside the archive, differs after a restore, and says that a row was written to, not that the archive lacks
 * something. `batch` goes on from one segment to the next.
 *
 * Returns false where budget or signal ended it before its end.
 *
 * @throws SchemaChangedError where the table got another column since the lines were written: they don't hold it.
 */
export async function deleteArchived(
  work: Work,
  phase: Phase,
  segment: Segment,
  { content, ends }: ReadBack,
  batch: AdaptiveBatch,
): Promise<boolean> {
  let first = segment.linesDone
  if (!sameColumns(work.shape, segment.shape)) {
    // Written before the table was changed. The next run writes its rows as they are now.
    const rest = Array.from({ length: ends.length - first }, (_, index) => first + index)
    const lines: Lines = { segment, first, last: ends.length - 1, text: '' }
    await work.change((connection) => noteLines(connection, work, lines, rest))
    work.tally.kept += rest.length
    return true
  }
  while (first < ends.length) {
    if (!(await work.proceed())) return false
    const rows = Math.min(batch.rows, ends.length - first)
    const last = first + rows - 1
    const text = textOf(content, first === 0 ? 0 : (ends[first - 1] ?? 0), (ends[last] ?? 1) - 1)
    const lines: Lines = { segment, first, last, text }
    const started = performance.now()
    const outcome = await closeIn(batch, rows, () => deleteLines(work, phase, lines))
    if (outcome === 'narrowed') continue
    const { changed, kept } =
      outcome instanceof Obstacle
        ? await work.change((connection) => noteLines(connection, work, lines, [first]))
        : outcome
    const ms = performance.now() - started
    if (outcome instanceof Obstacle) {
      noteRefused(
        work,
        outcome,
        segment.shape.columns.map(({ name }) => name),
        JSON.parse(text) as readonly (string | null)[],
      )
    } else batch.took(ms)
    first = last + 1
    work.tally.add('delete', changed)
    work.tally.kept += kept
    work.tally.busyMs += ms
    work.tell({ type: 'batch', effect: 'delete', changed, kept, ms, nextRows: batch.rows })
  }
  return true
}

function sameColumns(one: Segment['shape'], other: Segment['shape']): boolean {
  const names = ({ columns }: Segment['shape']): string =>
    JSON.stringify(columns.map(({ name }) => name).sort())
  return names(one) === names(other)
}

interface Lines {
  readonly segment: Segment
  readonly first: number
  readonly last: number
  readonly text: string
}

interface Deleted {
  readonly changed: number
  readonly kept: number
}

/** Some rows aren't as they were. Which ones, a second attempt finds out. */
class SomeStay extends Error {}

async function deleteLines(work: Work, phase: Phase, lines: Lines): Promise<Deleted> {
  const count = lines.last - lines.first + 1
  try {
    return await work.changeAtOnce(async (connection, stays) => {
      const [answer, noted] = await Promise.all([
        connection.query(deletion(work, phase, lines, stays, '')),
        noteLines(connection, work, lines, []),
      ])
      if (answer.count !== count) throw new SomeStay()
      return noted
    })
  } catch (error) {
    if (!(error instanceof SomeStay)) throw error
  }
  return work.change(async (connection, stays) => {
    const line = lineOf(work.rule.target, lines.segment.shape)
    const { rows } = await connection.query(deletion(work, phase, lines, stays, `returning ${line}`))
    if (rows.length === 0) await refuseChanged(connection, work, lines)
    const gone = new Set(rows.map(([text]) => text))
    const kept = lines.text
      .split('\n')
      .flatMap((text, index) => (gone.has(text) ? [] : [lines.first + index]))
    return noteLines(connection, work, lines, kept)
  })
}

/** After the DELETE, whose lock keeps the table as it is. */
async function refuseChanged(connection: Connection, { rule }: Work, { segment }: Lines): Promise<void> {
  const shape = await readShape(connection, rule.target)
  if (sameColumns(shape, segment.shape)) return
  const changes = changesSince(segment.shape, shape)
  throw new SchemaChangedError(
    `${rule.target.label} has changed since ${segment.key} was written: ${changes.join('; ')}`,
    changes,
    { hint: 'Its rows stay in the table. The next run archives them as they are now' },
  )
}

/**
 * The ends of the stretch let an index find the rows, and the lines are looked up by their hash: no line needs to be
 * read by the server.
 */
function deletion(
  { rule, parameters, shape }: Work,
  phase: Phase,
  { segment, text }: Lines,
  stays: Stays,
  returning: string,
): Statement {
  const { order } = segment.position
  const access = { order, byAge: true }
  const [first, last] = [
    valuesOf(text.slice(0, text.indexOf('\n') === -1 ? text.length : text.indexOf('\n')), segment),
    valuesOf(text.slice(text.lastIndexOf('\n') + 1), segment),
  ]
  return {
    text: `
delete from ${rule.target.sql}
where ${from(rule, shape, access, 4)}
  and ${upTo(rule, shape, access, 4 + order.length)}
  and ${eligible(rule, phase, stays)}
  and ${noColumnBut(
    rule.target,
    segment.shape.columns.map(({ name }) => name),
  )}
  and ${lineOf(rule.target, segment.shape)} = any (pg_catalog.string_to_array($3, E'\\n'))
${returning}`,
    params: [...parameters, text, ...first, ...last],
    reusable: true,
  }
}

function valuesOf(line: string, { shape, position }: Segment): readonly (string | null)[] {
  const values = JSON.parse(line) as readonly (string | null)[]
  return position.order.map(
    (name) => values[shape.columns.findIndex((column) => column.name === name)] ?? null,
  )
}

/** In the same transaction. Without it a run that is gone on with would look for the rows again. */
async function noteLines(
  connection: Connection,
  work: Work,
  { segment, first, last }: Lines,
  kept: readonly number[],
): Promise<Deleted> {
  const changed = last - first + 1 - kept.length
  await connection.query({
    text: `
insert into tenantry.retention_batches (run_id, segment_id, fence, effect, changed, first_line, last_line, kept_lines)
values ($1::uuid, $2::uuid, $3::bigint, 'delete', $4::integer, $5::integer, $6::integer, $7::integer[])`,
    params: [work.run.id, segment.id, work.fence, changed, first, last, kept],
    reusable: true,
  })
  return { changed, kept: kept.length }
}
