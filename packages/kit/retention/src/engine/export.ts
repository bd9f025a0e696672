/** Rows of one segment, read in pages of bounded size, as lines. */
import { createHash } from 'node:crypto'
import type { Encoder } from '../format/format.ts'
import type { Phase } from '../rule/phase.ts'
import type { Access, Position } from './access.ts'
import { PAGE_BYTES, Pages } from './pages.ts'
import type { Work } from './work.ts'

export interface SegmentLimits {
  readonly rows: number
  /** Before compression. */
  readonly bytes: number
}

export interface Draft {
  /** Its lines as an object: compressed while the server made them. */
  readonly object: Promise<Uint8Array>
  /** Of the lines. */
  readonly contentSha256: string
  readonly bytes: number
  readonly rows: number
  /** Of the last row; null: there was none. */
  readonly position: Position | null
  /** Nothing is left behind it. */
  readonly last: boolean
  /** Rows that the next page should have, by the size of the last ones. */
  readonly pageRows: number
}

/** Of a run's first page, when the size of its rows isn't known yet: the server makes every line of a page, whole. */
const FIRST_PAGE_ROWS = 100

const PAGE_ROWS = 10_000

/** One is read while the server makes the others. */
const PAGES_AT_ONCE = 3

/**
 * Pages are statements of their own: no snapshot is held over the export, so that it keeps no vacuum waiting. What
 * changes between them is found out when the rows are deleted.
 */
export async function exportSegment(
  work: Work,
  phase: Phase,
  access: Access,
  from: Position | null,
  limits: SegmentLimits,
  encoder: Encoder,
  firstRows?: number,
): Promise<Draft> {
  return work.read(async (connection) => {
    const pages = new Pages(work, phase, access, connection, await work.staysNow(connection))
    pages.begin(from, limits.bytes)
    const hash = createHash('sha256')
    let [rows, bytes, position] = [0, 0, from]
    let pageRows = firstRows ?? FIRST_PAGE_ROWS
    /** The size of rows is known, and none was much larger than the others. */
    let even = firstRows !== undefined
    const ask = (): boolean => {
      const room = limits.rows - rows - pages.asked
      // Pages turn out a little smaller or larger than they were guessed.
      const ahead = even && bytes + 1.25 * (pages.underWay + 1) * PAGE_BYTES < limits.bytes
      if (room <= 0 || (pages.underWay > 0 && !ahead)) return false
      pages.ask(ahead ? 'whole' : 'cut', Math.min(pageRows, room))
      return pages.underWay < PAGES_AT_ONCE
    }
    for (;;) {
      while (ask());
      const page = await pages.next()
      if (page.rows > 0) {
        even ||= firstRows === undefined && rows === 0
        encoder.write(page.lines)
        hash.update(page.lines)
        rows += page.rows
        bytes += page.lines.byteLength
        position = page.position
        // The next page about as large as one may be.
        pageRows = Math.max(
          1,
          Math.min(PAGE_ROWS, Math.floor((PAGE_BYTES * page.rows) / page.lines.byteLength)),
        )
      }
      if (page.last || rows >= limits.rows || bytes >= limits.bytes) {
        await pages.drain()
        const object = encoder.end()
        object.catch(() => {})
        return { object, contentSha256: hash.digest('hex'), bytes, rows, position, last: page.last, pageRows }
      }
      if (page.refused) {
        // Those behind it may have been taken.
        await pages.drain()
        pages.begin(position, limits.bytes - bytes)
        even = false
      }
    }
  })
}
