/** Rows of one segment, read in pages of bounded size, as lines. */
import { quoteIdentifier } from '@tenantry/ddl'
import { eligible, type Phase } from '../rule/phase.ts'
import { type Access, after, orderText, type Position } from './access.ts'
import { lineOf } from './shape.ts'
import type { Work } from './work.ts'

export interface SegmentLimits {
  readonly rows: number
  /** Before compression. */
  readonly bytes: number
}

export interface Draft {
  /** Whole lines, in parts. */
  readonly content: readonly Uint8Array[]
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

/** One page in the server's memory and ours. A single row may be larger. */
const PAGE_BYTES = 1024 * 1024
const PAGE_ROWS = 10_000

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
  firstRows = FIRST_PAGE_ROWS,
): Promise<Draft> {
  const content: Buffer[] = []
  let [rows, bytes, position, last] = [0, 0, from, false]
  let pageRows = firstRows
  while (!last && rows < limits.rows && bytes < limits.bytes) {
    const asked = Math.min(pageRows, limits.rows - rows)
    const allowed = Math.min(PAGE_BYTES, limits.bytes - bytes)
    const page = await readPage(work, phase, access, position, { rows: asked, bytes: allowed })
    if (page.rows === 0) {
      last = true
      break
    }
    content.push(page.lines)
    rows += page.rows
    bytes += page.lines.byteLength
    position = page.position
    last = page.complete && page.rows < asked
    // The next page about as large as one may be.
    pageRows = Math.max(1, Math.min(PAGE_ROWS, Math.floor((PAGE_BYTES * page.rows) / page.lines.byteLength)))
  }
  return { content, bytes, rows, position, last, pageRows }
}

interface Page {
  readonly lines: Buffer
  readonly rows: number
  readonly position: Position | null
  /** It wasn't cut short by its bytes. */
  readonly complete: boolean
}

/** The server joins the lines: one value instead of ten thousand, each of which would cost more than its row. */
async function readPage(
  work: Work,
  phase: Phase,
  access: Access,
  position: Position | null,
  limits: SegmentLimits,
): Promise<Page> {
  const { rule, shape } = work
  const { target } = rule
  const answer = await work.read(async (connection) => {
    const stays = await work.staysNow(connection)
    return connection.query({
      text: `
select
  pg_catalog.string_agg(line, E'\\n') filter (where before < $4::bigint),
  pg_catalog.count(*) filter (where before < $4::bigint),
  pg_catalog.count(*)
from (
  select
    line,
    -- In the order in which the rows come: sorting their lines would cost more than making them.
    pg_catalog.sum(pg_catalog.octet_length(line) + 1) over (rows unbounded preceding) - pg_catalog.octet_length(line) as before
  from (
    select ${lineOf(target, shape)} as line
    from (
      select * from ${target.sql}
      where ${eligible(rule, phase, stays)}
        ${after(rule, shape, access, position, 5)}
      order by ${orderText(rule, access)}
      limit $3::bigint
    ) as ${quoteIdentifier(target.name)}
    -- So that a line is made once, and not anew for each time that it is mentioned above.
    offset 0
  ) as page
) as sized`,
      params: [...work.parameters, limits.rows, limits.bytes, ...(position ?? [])],
    })
  })
  const [text, count, found] = answer.rows[0] ?? []
  const rows = Number(count)
  if (typeof text !== 'string') return { lines: Buffer.alloc(0), rows: 0, position, complete: true }
  const lastLine = JSON.parse(text.slice(text.lastIndexOf('\n') + 1)) as readonly (string | null)[]
  return {
    lines: Buffer.from(`${text}\n`),
    rows,
    position: access.order.map(
      (name) => lastLine[shape.columns.findIndex((column) => column.name === name)] ?? '',
    ),
    complete: rows === Number(found),
  }
}
