/** Rows changed in short transactions, in the order of an index, each with a row in `retention_batches`. */
import type { Connection } from '@tenantry/core'
import { quoteIdentifier } from '@tenantry/ddl'
import { eligible, type Phase, type Stays } from '../rule/phase.ts'
import { type Access, accessTo, after, orderText, type Position, upTo } from './access.ts'
import { AdaptiveBatch } from './adaptive.ts'
import { closeIn, noteRefused, Obstacle } from './obstacle.ts'
import { qualified, typeOf } from './shape.ts'
import type { Work } from './work.ts'

/** A batch's end, found before it is changed. */
interface Stretch {
  /** Of its last row; null: nothing is left. */
  readonly end: Position | null
  readonly rows: number
}

/**
 * Goes through the rows of a phase once. `assignments`: what becomes of them (`"deleted_at" = …`); null deletes them.
 * A row that is locked, still referred to, or refuses is closed in on, left alone, and met again by the next run.
 */
export async function changeInBatches(work: Work, phase: Phase, assignments: string | null): Promise<void> {
  const { rule, tally } = work
  const access = await work.read((connection) => accessTo(connection, rule, phase, work.shape))
  const batch = new AdaptiveBatch(rule.batch)
  let position: Position | null = null
  while (await work.proceed()) {
    const rows = batch.rows
    const started = performance.now()
    const taken = await closeIn(batch, rows, () =>
      work.changeAtOnce(async (connection, stays) => {
        const statements = new Statements(work, phase, access, stays)
        const whole = await statements.changeWhole(connection, assignments, position, rows)
        if (whole !== null) return whole
        const stretch = await statements.stretch(connection, position, rows)
        const changed =
          stretch.end === null ? 0 : await statements.change(connection, assignments, position, stretch.end)
        return { ...stretch, changed }
      }),
    )
    if (taken === 'narrowed') continue
    const outcome: Stretch & { readonly changed: number } =
      taken instanceof Obstacle ? { ...(await nextRow(work, phase, access, position)), changed: 0 } : taken
    if (outcome.end === null) return
    const ms = performance.now() - started
    if (taken instanceof Obstacle) noteRefused(work, taken, access.order, outcome.end)
    else batch.took(ms)
    position = outcome.end
    const kept = Math.max(0, outcome.rows - outcome.changed)
    tally.add(phase.effect, outcome.changed)
    tally.kept += kept
    tally.busyMs += ms
    work.tell({
      type: 'batch',
      effect: phase.effect,
      changed: outcome.changed,
      kept,
      ms,
      nextRows: batch.rows,
    })
    if (outcome.rows < rows) return
  }
}

/** The single row behind a position. */
export function nextRow(
  work: Work,
  phase: Phase,
  access: Access,
  position: Position | null,
): Promise<Stretch> {
  return work.read(async (connection) =>
    new Statements(work, phase, access, await work.staysNow(connection)).stretch(connection, position, 1),
  )
}

/** Of the transaction: read where the planner can, so that it knows how few rows lie before it. */
const END_SETTING = 'tenantry.retention_end'

/**
 * A stretch of the order is found, then changed by its two ends: half the time of collecting its rows and changing
 * those. All conditions stand in the change as well, which may meet rows that were changed or came meanwhile.
 */
class Statements {
  readonly #work: Work
  readonly #access: Access
  readonly #phase: Phase
  readonly #takes: string

  constructor(work: Work, phase: Phase, access: Access, stays: Stays) {
    this.#work = work
    this.#access = access
    this.#phase = phase
    this.#takes = eligible(work.rule, phase, stays)
  }

  /**
   * A stretch that ends between two values of the order's first column: without the tie-breakers nothing is sorted.
   * Its end stays on the server, so that both statements travel together. Null: nothing was changed, because its end
   * is among equal values, or because fewer rows are left.
   */
  async changeWhole(
    connection: Connection,
    assignments: string | null,
    from: Position | null,
    rows: number,
  ): Promise<(Stretch & { readonly changed: number }) | null> {
    const { rule, parameters, shape } = this.#work
    const [leading = '', ...breakers] = this.#access.order
    if (!this.#access.byAge && breakers.length > 0) return null
    const column = qualified(rule.target, leading)
    const [found, { count }] = await Promise.all([
      connection.query({
        text: `
select pg_catalog.set_config('${END_SETTING}', value::text, true)
from (
  select value, pg_catalog.lead(value) over (order by value) as following
  from (
    select ${column} as value
    from ${rule.target.sql}
    where ${this.#takes}
      ${this.#after(from, 4)}
    order by ${column}
    limit 2 offset $3::bigint
  ) as two
) as pair
where value < following`,
        params: [...parameters, rows - 1, ...(from ?? [])],
        reusable: true,
      }),
      // Without RETURNING, for which every row would be fetched once more.
      connection.query({
        text: `
${this.#changing(assignments)}
where ${this.#takes}
  and ${column} <= nullif(pg_catalog.current_setting('${END_SETTING}', true), '')::${typeOf(shape, leading)}
  ${this.#after(from, 3)}`,
        params: [...parameters, ...(from ?? [])],
        reusable: true,
      }),
    ])
    const end = found.rows[0]?.[0]
    if (end === undefined) return null
    await this.#note(connection, count)
    return { end: [String(end)], rows, changed: count }
  }

  async stretch(connection: Connection, position: Position | null, rows: number): Promise<Stretch> {
    const { rule, parameters } = this.#work
    const { order } = this.#access
    const columns = order.map((name) => qualified(rule.target, name)).join(', ')
    // Outside, so that only the last row is made into text.
    const ends = order.map((name) => `ends.${quoteIdentifier(name)}::text`).join(', ')
    const found = await connection.query({
      text: `
select ${ends}
from (
  select ${columns}
  from ${rule.target.sql}
  where ${this.#takes}
    ${this.#after(position, 4)}
  order by ${orderText(rule, this.#access)}
  limit 1 offset $3::bigint
) as ends`,
      params: [...parameters, rows - 1, ...(position ?? [])],
    })
    if (found.rows[0] !== undefined) return { end: found.rows[0].map(String), rows }
    if (rows === 1) return { end: null, rows: 0 }
    // The last of them, and how many there are.
    const last = await connection.query({
      text: `
select ${ends}, rows
from (
  select ${columns}, pg_catalog.count(*) over () as rows
  from ${rule.target.sql}
  where ${this.#takes}
    ${this.#after(position, 3)}
  order by ${orderText(rule, this.#access, 'desc')}
  limit 1
) as ends`,
      params: [...parameters, ...(position ?? [])],
    })
    const row = last.rows[0]
    return row === undefined
      ? { end: null, rows: 0 }
      : { end: row.slice(0, -1).map(String), rows: Number(row.at(-1)) }
  }

  async change(
    connection: Connection,
    assignments: string | null,
    from: Position | null,
    to: Position,
  ): Promise<number> {
    const { rule, parameters, shape } = this.#work
    const { count } = await connection.query({
      text: `
${this.#changing(assignments)}
where ${this.#takes}
  and ${upTo(rule, shape, this.#access, 3)}
  ${this.#after(from, 3 + to.length)}`,
      params: [...parameters, ...to, ...(from ?? [])],
    })
    await this.#note(connection, count)
    return count
  }

  async #note(connection: Connection, changed: number): Promise<void> {
    if (changed === 0) return
    const { run, fence } = this.#work
    await connection.query({
      text: `
insert into tenantry.retention_batches (run_id, fence, effect, changed)
values ($1::uuid, $2::bigint, $3, $4::integer)`,
      params: [run.id, fence, this.#phase.effect, changed],
      reusable: true,
    })
  }

  #changing(assignments: string | null): string {
    const { sql } = this.#work.rule.target
    return assignments === null ? `delete from ${sql}` : `update ${sql} set ${assignments}`
  }

  #after(position: Position | null, firstParameter: number): string {
    return after(this.#work.rule, this.#work.shape, this.#access, position, firstParameter)
  }
}
