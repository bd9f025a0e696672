/**
 * Export, upload, read back, record, delete; one segment after the other. A segment that is in the manifest is
 * whole in the store; an object that isn't in it is nothing, and is removed when the run ends.
 */
import { ArchiveError, RetentionRefusedError } from '../errors.ts'
import { type ArchiveFormat, formats } from '../format/format.ts'
import type { Phase } from '../rule/phase.ts'
import type { ArchiveStore } from '../store/store.ts'
import { type Access, accessTo, type Position } from './access.ts'
import { AdaptiveBatch } from './adaptive.ts'
import { deleteArchived } from './delete-archived.ts'
import { type Draft, exportSegment, type SegmentLimits } from './export.ts'
import { readBack, type ReadBack, sha256 } from './read-back.ts'
import { recordSegment, type Segment, segmentsWhere } from './segments.ts'
import type { Work } from './work.ts'

export interface ArchivePlan {
  readonly format: ArchiveFormat['name']
  readonly limits: SegmentLimits
}

export async function archiveInSegments(work: Work, phase: Phase, plan: ArchivePlan): Promise<void> {
  const { store } = work
  if (store === null) throw new RetentionRefusedError(`The rule ${work.rule.name} has no archive store`)
  const known = await work.read((connection) =>
    segmentsWhere(connection, 'segment.run_id = $1::uuid order by segment.sequence', [work.run.id]),
  )
  const batch = new AdaptiveBatch(work.rule.batch)
  for (const segment of known) if (!(await finishSegment(work, phase, store, segment, batch))) return
  const access = await work.read((connection) => accessTo(connection, work.rule, phase, work.shape))
  let position = resumeAt(known.at(-1), access)
  let sequence = (known.at(-1)?.sequence ?? 0) + 1
  let pageRows: number | undefined
  while (await work.proceed()) {
    const next = await nextSegment(work, store, access, { ...plan, phase, position, sequence, pageRows })
    pageRows = next.pageRows
    if (next.stored !== null) {
      if (!(await deleteArchived(work, phase, ...next.stored, batch))) return
      sequence += 1
      position = next.position
    }
    if (next.last) {
      await removeStrays(work, store)
      return
    }
  }
}

interface Next {
  /** Null: there were no rows. */
  readonly stored: readonly [Segment, ReadBack] | null
  readonly position: Position | null
  readonly last: boolean
  readonly pageRows: number
}

/** By itself, so that what was exported isn't in memory any more while it is deleted. */
async function nextSegment(
  work: Work,
  store: ArchiveStore,
  access: Access,
  plan: ArchivePlan & {
    readonly phase: Phase
    readonly position: Position | null
    readonly sequence: number
    readonly pageRows: number | undefined
  },
): Promise<Next> {
  const encoder = formats[plan.format].encoder(columnsOf(work))
  const draft = await exportSegment(
    work,
    plan.phase,
    access,
    plan.position,
    plan.limits,
    encoder,
    plan.pageRows,
  )
  const { rows, bytes, position, last, pageRows } = draft
  if (rows === 0) return { stored: null, position, last, pageRows }
  work.tell({ type: 'exported', rows, bytes })
  return { stored: await storeSegment(work, store, access, draft, plan), position, last, pageRows }
}

/** The order may be another than it was, when an index came or went: then the run begins anew. */
function resumeAt(segment: Segment | undefined, { order }: Access): Position | null {
  if (segment === undefined || segment.position.order.join('\0') !== order.join('\0')) return null
  return segment.position.at
}

/** What a worker before this one recorded and didn't get to delete. */
async function finishSegment(
  work: Work,
  phase: Phase,
  store: ArchiveStore,
  segment: Segment,
  batch: AdaptiveBatch,
): Promise<boolean> {
  if (segment.linesDone >= segment.rows) return true
  const whole = await readBack(store, formats[segment.format], {
    ...segment,
    columns: segment.shape.columns.map(({ name }) => name),
  })
  return deleteArchived(work, phase, segment, whole, batch)
}

export async function storeSegment(
  work: Work,
  store: ArchiveStore,
  access: Access,
  draft: Draft,
  { format: name, sequence }: ArchivePlan & { readonly sequence: number },
): Promise<readonly [Segment, ReadBack]> {
  const { rule, run, shape } = work
  const format = formats[name]
  const { contentSha256 } = draft
  const key = `${prefixOf(work)}${String(sequence).padStart(6, '0')}-${work.fence}-${contentSha256.slice(0, 16)}${format.suffix}`
  const object = await draft.object
  try {
    await store.put(key, object, { sha256: sha256(object) })
  } catch (cause) {
    throw new ArchiveError(`The archive object ${key} could not be stored in ${store.description}`, {
      key,
      cause,
      hint: 'Its rows stay in the table. Check the store before the next run',
    })
  }
  let whole: ReadBack
  try {
    whole = await readBack(store, format, { key, rows: draft.rows, contentSha256, columns: columnsOf(work) })
  } catch (error) {
    // No manifest names it. Left there, it would be in the way of the next attempt.
    await store.remove(key).catch(() => {})
    throw error
  }
  work.tell({ type: 'verified', key, objectBytes: whole.objectBytes })
  const segment = await work.change((connection) =>
    recordSegment(connection, {
      runId: run.id,
      rule: rule.name,
      relation: rule.target.label,
      sequence,
      key,
      format: name,
      rows: draft.rows,
      contentSha256,
      objectSha256: whole.objectSha256,
      objectBytes: whole.objectBytes,
      shape: { columns: shape.columns, primaryKey: shape.primaryKey },
      position: { order: access.order, at: draft.position ?? [] },
    }),
  )
  work.tally.segments += 1
  work.tally.archivedRows += draft.rows
  work.tally.archivedBytes += whole.objectBytes
  work.tell({ type: 'recorded', key, rows: draft.rows })
  return [segment, whole]
}

export const columnsOf = ({ shape }: Work): readonly string[] => shape.columns.map(({ name }) => name)

const prefixOf = ({ rule, run }: Work): string => `${rule.target.label}/${rule.name}/${run.id}/`

/**
 * Removes uploads of this run by workers that died, or lost their lease, before they could record them. Keys hold
 * the fence: a worker touches none of its successors' objects, however late it wakes, and a successor records
 * none of its.
 */
async function removeStrays(work: Work, store: ArchiveStore): Promise<void> {
  const keys = await straysOf(work, store).catch((cause: unknown) => {
    throw new ArchiveError(`The objects of a run in ${store.description} could not be listed`, {
      cause,
      hint: 'No row is concerned. Check the store before the next run',
    })
  })
  if (keys.length === 0) return
  const known = await work.read((connection) =>
    segmentsWhere(connection, 'segment.run_id = $1::uuid', [work.run.id]),
  )
  const recorded = new Set(known.map((segment) => segment.key))
  for (const key of keys) if (!recorded.has(key)) await store.remove(key)
}

async function straysOf(work: Work, store: ArchiveStore): Promise<readonly string[]> {
  const prefix = prefixOf(work)
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) {
    const fence = /^\d+-(\d+)-/.exec(key.slice(prefix.length))?.[1]
    if (fence !== undefined && BigInt(fence) <= BigInt(work.fence)) keys.push(key)
  }
  return keys
}
