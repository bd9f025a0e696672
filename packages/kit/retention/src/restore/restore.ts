/** Brings archived rows back, after checking that objects and table are what they were. */
import type { Connection, Statement } from '@tenantry/core'
import {
  quoteIdentifier,
  relation,
  type Relation,
  type RelationReference,
  RESTORING_SETTING,
} from '@tenantry/ddl'
import { readBack, type ReadBack } from '../engine/read-back.ts'
import { type Segment, segmentsWhere } from '../engine/segments.ts'
import { mayBecome, prepared, type Transactor } from '../engine/session.ts'
import { lineOf, readShape, valueIn, type TableShape } from '../engine/shape.ts'
import { ArchiveError, RetentionRefusedError, SchemaChangedError } from '../errors.ts'
import { formats } from '../format/format.ts'
import { textOf } from '../format/lines.ts'
import { ROLES } from '../names.ts'
import type { ArchiveStore } from '../store/store.ts'
import { changesSince } from './schema-check.ts'

export interface RestoreOptions {
  /** Instead of the one that `retention()` was given. */
  readonly store?: ArchiveStore
  /** Objects of this rule. Either this, or `segments`. */
  readonly rule?: string
  /** Ids of rows of `tenantry.archive_segments`. */
  readonly segments?: readonly string[]
  /** Another table of the same columns. Default: where the rows came from. */
  readonly into?: RelationReference
  /**
   * Restore although the table has changed: columns that are gone are left out, new ones get their defaults, and a
   * type that has changed must take the old text. Default false: a change is an error.
   */
  readonly changedSchema?: boolean
  /** Whose rights write the rows. Default `tenantry_service`. */
  readonly role?: string
}

export interface RestoreReport {
  readonly segments: number
  /** Rows that were deleted after they were archived, and so belong back. */
  readonly rows: number
  readonly restored: number
  /** Their key was there already; nothing was done to it. */
  readonly present: number
  /**
   * Not back: another row has a value of theirs that must be unique, or a trigger kept them out. Mend it and restore
   * again.
   */
  readonly absent: number
  /** Primary keys of the first 100 of them, each value in PostgreSQL's own text. */
  readonly absentKeys: readonly Readonly<Record<string, string | null>>[]
  /** Restored, and changed on the way by a trigger or a generated column: not word for word what was archived. */
  readonly altered: number
}

/** Rows come back in the state in which they went, which need not be one in which a row may begin. */
const RESTORING: Statement = {
  text: `select pg_catalog.set_config('${RESTORING_SETTING}', 'on', true)`,
  params: [],
  reusable: true,
}

/** Rows of one statement. */
const CHUNK_ROWS = 1000

const ABSENT_KEYS_MAX = 100

/**
 * Inserts what was deleted after it was archived. Rows that exist are left alone, so it may be repeated, and
 * continued after it was killed. Triggers of the table fire as for any insert; those of state machines and claims let
 * rows back in the state in which they went.
 *
 * @throws ArchiveError for an object that isn't what the manifest says; nothing of it was restored.
 * @throws SchemaChangedError where the table's columns or key have changed since; nothing was restored.
 */
export async function restoreSegments(
  driver: Transactor,
  defaultStore: ArchiveStore | null,
  options: RestoreOptions,
): Promise<RestoreReport> {
  const { rule, segments: ids, into, changedSchema = false, role = ROLES.service } = options
  const store = options.store ?? defaultStore
  if (store === null)
    throw new RetentionRefusedError('No archive store was given', {
      hint: 'Give retention() or this call a `store`',
    })
  if ((rule === undefined) === (ids === undefined)) {
    throw new RetentionRefusedError('Say what to restore', { hint: 'Give either `rule` or `segments`' })
  }
  await mayBecome(driver, role)
  const within = <T>(readOnly: boolean, run: (connection: Connection) => Promise<T>): Promise<T> =>
    driver.transaction(
      {
        readOnly,
        preamble: readOnly ? [prepared(role)] : [prepared(role), RESTORING],
        isolation: 'read committed',
      },
      run,
    )
  const segments = await within(true, (connection) =>
    // The newest first: of a row that was archived twice, the later one is right.
    rule === undefined
      ? segmentsWhere(connection, 'segment.id = any ($1::uuid[]) order by segment.created_at desc', [ids])
      : segmentsWhere(
          connection,
          'segment.rule = $1 order by segment.created_at desc, segment.sequence desc',
          [rule],
        ),
  )
  if (ids !== undefined && segments.length !== ids.length) {
    throw new ArchiveError('The manifest has not all of the segments that were asked for')
  }
  const plans = await within(true, (connection) => plansOf(connection, segments, into, changedSchema))
  const total = { segments: 0, rows: 0, restored: 0, present: 0, absent: 0, altered: 0 }
  const absentKeys: RestoreReport['absentKeys'][number][] = []
  for (const plan of plans) {
    const { segment } = plan
    const whole = await readBack(store, formats[segment.format], {
      ...segment,
      columns: segment.shape.columns.map(({ name }) => name),
    })
    const lines = await within(true, (connection) => deletedLines(connection, segment))
    for (let at = 0; at < lines.length; at += CHUNK_ROWS) {
      const chunk = lines.slice(at, at + CHUNK_ROWS)
      const text = chunk.map((line) => lineAt(whole, line)).join('\n')
      const { restored, altered, absent } = await within(false, async (connection) => {
        const inserted = await insertLines(connection, plan, text)
        const complete = inserted.restored === chunk.length
        return { ...inserted, absent: complete ? [] : await absentOf(connection, plan, text) }
      })
      total.restored += restored
      total.altered += altered
      total.absent += absent.length
      total.present += chunk.length - restored - absent.length
      absentKeys.push(...absent.slice(0, ABSENT_KEYS_MAX - absentKeys.length))
    }
    total.segments += 1
    total.rows += lines.length
  }
  return { ...total, absentKeys }
}

interface SegmentPlan {
  readonly segment: Segment
  readonly target: Relation
  readonly shape: TableShape
}

async function plansOf(
  connection: Connection,
  segments: readonly Segment[],
  into: RelationReference | undefined,
  changedSchema: boolean,
): Promise<readonly SegmentPlan[]> {
  const plans: SegmentPlan[] = []
  for (const segment of segments) {
    const target = into === undefined ? labelled(segment.relation) : relation(into)
    const shape = await readShape(connection, target)
    const changes = changesSince(segment.shape, shape)
    if (changes.length > 0 && !changedSchema) {
      throw new SchemaChangedError(
        `${target.label} has changed since ${segment.key} was written: ${changes.join('; ')}`,
        changes,
        { hint: 'Restore into a table of the old columns, or say changedSchema: true' },
      )
    }
    plans.push({ segment, target, shape })
  }
  return plans
}

function labelled(label: string): Relation {
  const dot = label.indexOf('.')
  return relation({ schema: label.slice(0, dot), name: label.slice(dot + 1) })
}

/** Lines whose rows were deleted: not those that stayed, nor those that deletion hasn't come to. */
async function deletedLines(connection: Connection, segment: Segment): Promise<readonly number[]> {
  const { rows } = await connection.query({
    text: `
select first_line, last_line, pg_catalog.to_json(kept_lines)
from tenantry.retention_batches
where segment_id = $1::uuid
order by first_line`,
    params: [segment.id],
  })
  return rows.flatMap(([first, last, kept]) => {
    const stayed = new Set(Array.isArray(kept) ? (kept as readonly number[]) : [])
    const all = Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => Number(first) + index)
    return all.filter((line) => !stayed.has(line))
  })
}

const lineAt = ({ content, ends }: ReadBack, line: number): string =>
  textOf(content, line === 0 ? 0 : (ends[line - 1] ?? 0), (ends[line] ?? 1) - 1)

async function insertLines(
  connection: Connection,
  { segment, target, shape }: SegmentPlan,
  lines: string,
): Promise<{ readonly restored: number; readonly altered: number }> {
  const known = new Map(shape.columns.map((column) => [column.name, column]))
  const columns = segment.shape.columns.filter(({ name }) => known.get(name)?.generated === false)
  const values = columns.map(
    ({ name }) => `${valueIn('archived.line', segment.shape, name)}::${known.get(name)?.type ?? 'text'}`,
  )
  const compared = { columns: segment.shape.columns.filter(({ name }) => known.has(name)) }
  const { rows } = await connection.query({
    text: `
with archived as materialized (
  select line from pg_catalog.string_to_table($1, E'\\n') as line
),
inserted as (
  insert into ${target.sql} (${columns.map(({ name }) => quoteIdentifier(name)).join(', ')})
  overriding system value
  select ${values.join(', ')} from archived
  on conflict do nothing
  returning ${lineOf(target, compared)} as line
)
select
  pg_catalog.count(*),
  pg_catalog.count(*) filter (where not exists (select from archived where archived.line = inserted.line))
from inserted`,
    params: [lines],
  })
  return { restored: Number(rows[0]?.[0]), altered: Number(rows[0]?.[1]) }
}

/** Keys of lines that aren't in the table after their insertion: something other than their key was in the way. */
async function absentOf(
  connection: Connection,
  { segment, target, shape }: SegmentPlan,
  lines: string,
): Promise<RestoreReport['absentKeys']> {
  const archived = new Set(segment.shape.columns.map(({ name }) => name))
  const types = new Map(shape.columns.map(({ name, type }) => [name, type]))
  // By another key than the archive's nobody can tell.
  if (!shape.primaryKey.every((name) => archived.has(name))) return []
  const value = (name: string): string => valueIn('archived.line', segment.shape, name)
  const same = shape.primaryKey.map(
    (name) => `kept.${quoteIdentifier(name)} = ${value(name)}::${types.get(name) ?? 'text'}`,
  )
  const { rows } = await connection.query({
    text: `
select ${shape.primaryKey.map(value).join(', ')}
from pg_catalog.string_to_table($1, E'\\n') as archived (line)
where not exists (select from ${target.sql} as kept where ${same.join(' and ')})`,
    params: [lines],
  })
  return rows.map((row) =>
    Object.fromEntries(
      shape.primaryKey.map((name, index) => [name, row[index] === null ? null : String(row[index])] as const),
    ),
  )
}
