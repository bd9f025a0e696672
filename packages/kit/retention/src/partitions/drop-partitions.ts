import { ConfigurationError } from '@tenantry/core'
import { quoteLiteral } from '@tenantry/ddl'
import type { RetentionAction } from '../action.ts'
import { accessTo } from '../engine/access.ts'
import { columnsOf, storeSegment } from '../engine/archive.ts'
import { exportSegment } from '../engine/export.ts'
import { qualified, readShape } from '../engine/shape.ts'
import { segmentsWhere } from '../engine/segments.ts'
import type { Work } from '../engine/work.ts'
import { RetentionRefusedError } from '../errors.ts'
import { type ArchiveFormat, formats } from '../format/format.ts'
import { NOTHING_STAYS, type Phase, RUN_PARAMETERS } from '../rule/phase.ts'
import type { RetentionRule } from '../rule/rule.ts'
import type { Partition } from './read-partitions.ts'
import { type PartitionArchived, retirePartitions } from './retire-partitions.ts'

export interface DropPartitionsOptions {
  /** `false`: the rows go for good. Default: partitions are archived, verified, and then dropped. */
  readonly archive?:
    | false
    | {
        /** Default `ndjson`. */
        readonly format?: ArchiveFormat['name']
        /** Rows of one object at most. Default 50,000. */
        readonly segmentRows?: number
        /** Bytes of rows in one object at most, before compression. Default 8 MiB. */
        readonly segmentBytes?: number
      }
}

/**
 * An action for `defineRetention` on a table that is partitioned by its age column: whole partitions go, in no more
 * time however many rows they have. See `retirePartitions`. The run's login must own the table and be able to become
 * `tenantry_service`. Rows of the partition that the cut-off divides stay.
 */
export function dropPartitions(options: DropPartitionsOptions = {}): RetentionAction {
  const { archive = {} } = options
  return {
    kind: archive === false ? 'drop-partitions' : 'archive-then-drop-partitions',
    privileges: {},
    archives: archive !== false,
    cascades: false,
    phases: (rule) => [phaseOf(rule)],
    async run(work) {
      const { rule, run, tally, driver, graph } = work
      if (!work.shape.partitioned) {
        throw new RetentionRefusedError(`${rule.target.label} has no partitions to drop`)
      }
      await retirePartitions(driver, {
        table: rule.table,
        before: run.cutoff,
        by: rule.age.column.name,
        graph: rule.hold ? graph : null,
        contents: archive === false ? 'discard' : (partition) => archivePartition(work, partition, archive),
        proceed: work.proceed,
        onStep({ type }) {
          if (type === 'dropped') tally.add('drop-partition', 1)
        },
      })
    },
  }
}

/** What a plan counts: months by the calendar, since most partitions are. */
function phaseOf({ target, age, where, floors }: RetentionRule): Phase {
  if (where !== null || floors.keepLast !== null) {
    throw new ConfigurationError(
      `A partition of ${target.label} goes whole: a rule can't choose among its rows`,
      {
        hint: 'Leave out `where` and `keepLast`, or take archive-then-delete',
      },
    )
  }
  if (age.kind !== 'timestamptz' && age.kind !== 'timestamp' && age.kind !== 'date') {
    throw new ConfigurationError(`${target.label}.${age.column.name} is no date or time to be partitioned by`)
  }
  const month = `pg_catalog.date_trunc('month', ${RUN_PARAMETERS.cutoff} at time zone 'UTC')`
  const typed = {
    timestamptz: `${month} at time zone 'UTC'`,
    timestamp: month,
    date: `(${month})::date`,
  } as const
  return {
    effect: 'drop-partition',
    age,
    condition: `${qualified(target, age.column.name)} < ${typed[age.kind]}`,
    removes: true,
  }
}

const SEGMENT = { rows: 50_000, bytes: 8 * 1024 * 1024 }

/** Every row between the bounds, held or not: what must stay keeps the partition, not the row. */
async function archivePartition(
  work: Work,
  { from, to }: Partition,
  options: Exclude<DropPartitionsOptions['archive'], false | undefined>,
): Promise<PartitionArchived | null> {
  const { rule, store, run } = work
  if (store === null) throw new RetentionRefusedError(`The rule ${rule.name} has no archive store`)
  const column = qualified(rule.target, rule.age.column.name)
  // The columns as they are now: a run of many months takes long, and what is written later changes the fingerprint.
  const shape = await work.read((connection) => readShape(connection, rule.target))
  const whole: Work = { ...work, shape, staysNow: async () => NOTHING_STAYS }
  const phase: Phase = {
    effect: 'drop-partition',
    age: rule.age,
    condition: [
      ...(from === null ? [] : [`${column} >= ${quoteLiteral(from)}`]),
      ...(to === null ? [] : [`${column} < ${quoteLiteral(to)}`]),
    ].join(' and '),
    removes: false,
  }
  const limits = { rows: options.segmentRows ?? SEGMENT.rows, bytes: options.segmentBytes ?? SEGMENT.bytes }
  const format = options.format ?? 'ndjson'
  const [known, access] = await work.read(async (connection) => [
    await segmentsWhere(connection, 'segment.run_id = $1::uuid order by segment.sequence', [run.id]),
    await accessTo(connection, rule, phase, shape),
  ])
  let sequence = (known.at(-1)?.sequence ?? 0) + 1
  const done = { rows: 0, segments: [] as string[] }
  let pageRows: number | undefined
  for (let position = null as Awaited<ReturnType<typeof exportSegment>>['position']; await work.proceed();) {
    const draft = await exportSegment(
      whole,
      phase,
      access,
      position,
      limits,
      formats[format].encoder(columnsOf(whole)),
      pageRows,
    )
    pageRows = draft.pageRows
    if (draft.rows > 0) {
      work.tell({ type: 'exported', rows: draft.rows, bytes: draft.bytes })
      const [segment] = await storeSegment(whole, store, access, draft, { format, limits, sequence })
      done.rows += draft.rows
      done.segments.push(segment.id)
      sequence += 1
      position = draft.position
    }
    if (draft.last) return done
  }
  return null
}
