import type { RetentionAction } from '../action.ts'
import { archiveInSegments } from '../engine/archive.ts'
import type { ArchiveFormat } from '../format/format.ts'

export interface ArchiveOptions {
  readonly format?: ArchiveFormat['name'] | undefined
  readonly segmentRows?: number | undefined
  readonly segmentBytes?: number | undefined
  readonly cascades?: 'delete' | undefined
}

/** So that an object, its copy that is read back and their rows fit in a process of 256 MB several times. */
const SEGMENT = { rows: 50_000, bytes: 8 * 1024 * 1024 }

export function archiveThenDelete(options: ArchiveOptions): RetentionAction {
  const limits = { rows: options.segmentRows ?? SEGMENT.rows, bytes: options.segmentBytes ?? SEGMENT.bytes }
  return {
    kind: 'archive-then-delete',
    privileges: { delete: true },
    archives: true,
    cascades: options.cascades === 'delete',
    phases: ({ age }) => [{ effect: 'delete', age, condition: null, removes: true }],
    async run(work) {
      for (const phase of work.phases)
        await archiveInSegments(work, phase, { format: options.format ?? 'ndjson', limits })
    },
  }
}
