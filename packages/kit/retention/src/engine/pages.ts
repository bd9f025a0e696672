/** Pages of one segment, asked for ahead: the server makes one while the one before it is read here. */
import type { Connection } from '@tenantry/core'
import { quoteIdentifier } from '@tenantry/ddl'
import { eligible, type Phase, type Stays } from '../rule/phase.ts'
import { type Access, orderText, type Position } from './access.ts'
import { lineOf, qualified, typeOf } from './shape.ts'
import type { Work } from './work.ts'

export interface Page {
  /** Whole lines. */
  readonly lines: Uint8Array
  readonly rows: number
  /** Of its last row; null where there is none. */
  readonly position: Position | null
  /** No row is left behind it. */
  readonly last: boolean
  /** It would have been too large, and nothing was taken: ask for it cut, and for those behind it again. */
  readonly refused: boolean
}

/**
 * `cut`: its lines are added up, and what goes beyond is left to the next page; a single row may be larger than a page.
 * `whole`: nothing is added up row by row, which would take a fifth of the time; refused if it turns out too large.
 */
export type PageKind = 'cut' | 'whole'

/** About one page in the server's memory and ours. */
export const PAGE_BYTES = 256 * 1024

/** How many times as long as the ones before it a line of a whole page may be: so many pages are in memory at most. */
const LINE_EXCESS = 16

/**
 * Of the transaction, as json: the position behind which the next page begins (`at`; null: at the beginning), and
 * how many bytes the segment has left. On the server, so that a page needn't wait for the one before it to arrive.
 */
const STATE = 'tenantry.retention_page'
const STATE_JSON = `pg_catalog.current_setting('${STATE}')::json`
const LEFT = `(${STATE_JSON} ->> 'left')::bigint`

export class Pages {
  readonly #work: Work
  readonly #phase: Phase
  readonly #access: Access
  readonly #connection: Connection
  readonly #stays: Stays
  readonly #underWay: { readonly asked: number; readonly answer: Promise<Page> }[] = []
  #begun: Promise<unknown> | null = null
  /** The next page has rows before it. */
  #behind = false

  constructor(work: Work, phase: Phase, access: Access, connection: Connection, stays: Stays) {
    this.#work = work
    this.#phase = phase
    this.#access = access
    this.#connection = connection
    this.#stays = stays
  }

  /**
   * From a position on, null being the beginning of the table, with room for so many bytes. Nothing is waited for: what
   * fails here fails in the first page.
   */
  begin(from: Position | null, bytes: number): void {
    this.#behind = from !== null
    this.#begun = this.#connection.query({
      text: `select pg_catalog.set_config('${STATE}', $1, true)`,
      params: [JSON.stringify({ at: from, left: bytes })],
      reusable: true,
    })
    this.#begun.catch(() => {})
  }

  get underWay(): number {
    return this.#underWay.length
  }

  /** Rows that pages under way may have. */
  get asked(): number {
    return this.#underWay.reduce((sum, { asked }) => sum + asked, 0)
  }

  ask(kind: PageKind, rows: number): void {
    const answer = this.#read(kind, rows)
    answer.catch(() => {})
    this.#underWay.push({ asked: rows, answer })
    this.#behind = true
  }

  /** The next in order. */
  async next(): Promise<Page> {
    await this.#begun
    const [first] = this.#underWay
    if (first === undefined) throw new RangeError('No page was asked for')
    const page = await first.answer
    this.#underWay.shift()
    return page
  }

  /** Those that nobody needs any more. */
  async drain(): Promise<void> {
    await Promise.all(this.#underWay.splice(0).map(({ answer }) => answer))
  }

  async #read(kind: PageKind, asked: number): Promise<Page> {
    const { rows } = await this.#connection.query({
      text: kind === 'cut' ? this.#cut() : this.#whole(),
      params: [
        ...this.#work.parameters,
        asked,
        kind === 'cut' ? PAGE_BYTES : Math.ceil((LINE_EXCESS * PAGE_BYTES) / asked),
      ],
      // postgres.js sends what it has prepared before the answer to what went before, and nothing else.
      reusable: true,
      bytes: true,
    })
    const [lines, ...values] = rows[0] ?? []
    const [count, found, ...ends] = values.map(textOf)
    const taken = Number(count)
    return {
      lines: lines instanceof Uint8Array ? lines : Buffer.from(String(lines ?? '')),
      rows: taken,
      position: taken === 0 ? null : ends.slice(0, this.#access.order.length),
      last: Number(found) < asked && count === found,
      refused: taken === 0 && Number(found) > 0,
    }
  }

  #cut(): string {
    return this.#answer(
      `
  select
    ${this.#joined('filter (where before < most)')},
    true as taken
  from (
    select
      *,
      (select least($4::bigint, ${LEFT})) as most,
      -- In the order in which the rows come: sorting their lines would cost more than making them.
      pg_catalog.sum(pg_catalog.octet_length(line) + 1) over (rows unbounded preceding)
        - pg_catalog.octet_length(line) - 1 as before
    from (${this.#lines()}) as page
  ) as sized`,
    )
  }

  /** One filter alone, on what takes memory: each would be a twentieth of the time. */
  #whole(): string {
    return this.#answer(
      `
  select
    ${this.#joined('filter (where pg_catalog.octet_length(line) <= $4::bigint)', '')},
    coalesce(
      pg_catalog.max(pg_catalog.octet_length(line)) <= $4::bigint
        and pg_catalog.sum(pg_catalog.octet_length(line)) + pg_catalog.count(*) <= ${LEFT},
      true
    ) as taken
  from (${this.#lines()}) as page`,
    )
  }

  /** The server joins the lines: one value instead of ten thousand, each of which would cost more than its row. */
  #joined(fits: string, filter = fits): string {
    const { order } = this.#access
    return [
      `pg_catalog.string_agg(line, E'\\n') ${fits} as lines`,
      `pg_catalog.count(*) ${filter} as rows`,
      'pg_catalog.count(*) as found',
      ...order.map(
        (name, index) => `pg_catalog.array_agg(${this.#single(name)}) ${filter} as values_${index}`,
      ),
    ].join(',\n    ')
  }

  /** Arrays would be aggregated into one of more dimensions. */
  #single(name: string): string {
    const column = quoteIdentifier(name)
    return typeOf(this.#work.shape, name).endsWith('[]') ? `${column}::text` : column
  }

  /** And where the next page begins. */
  #answer(joined: string): string {
    const ends = this.#access.order.map((_, index) => `(values_${index})[rows]::text`)
    return `
select
  case when taken then lines || E'\\n' end, case when taken then rows else 0 end, found, ${ends.join(', ')},
  case when taken and rows > 0 then pg_catalog.set_config('${STATE}', pg_catalog.json_build_object(
    'at', array[${ends.join(', ')}], 'left', ${LEFT} - pg_catalog.octet_length(lines) - 1
  )::text, true) end
from (${joined}
) as joined`
  }

  #lines(): string {
    const { rule, shape } = this.#work
    const { target } = rule
    return `
      select ${lineOf(target, shape)} as line, ${this.#access.order.map(quoteIdentifier).join(', ')}
      from (
        select * from ${target.sql}
        where ${eligible(rule, this.#phase, this.#stays)}
          ${this.#behind ? this.#afterLast() : ''}
        order by ${orderText(rule, this.#access)}
        limit $3::bigint
      ) as ${quoteIdentifier(target.name)}
      -- So that a line is made once, and not anew for each time that it is mentioned.
      offset 0
    `
  }

  /**
   * The first column is compared twice: once so that the planner can read the value, and knows how few rows lie
   * behind it, and once with the others, by values that are read once for the statement.
   */
  #afterLast(): string {
    const { rule, shape } = this.#work
    const { order } = this.#access
    const value = (name: string, index: number): string =>
      `(${STATE_JSON} #>> '{at,${index}}')::${typeOf(shape, name)}`
    const [leading = ''] = order
    const columns = order.map((name) => qualified(rule.target, name)).join(', ')
    const values = order.map((name, index) => `(select ${value(name, index)})`).join(', ')
    return `and ${qualified(rule.target, leading)} >= ${value(leading, 0)}
          and (${columns}) > (${values})`
  }
}

const textOf = (value: unknown): string =>
  value instanceof Uint8Array
    ? Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString()
    : String(value)
