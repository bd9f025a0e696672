/** Rows changed in short transactions, in the order of an index, each with a row in `retention_batches`. */
import { type Connection, ForeignKeyError, TimeoutError } from '@tenantry/core'
import { quoteIdentifier } from '@tenantry/ddl'
import { eligible, NOTHING_STAYS, type Phase, type Stays } from '../rule/phase.ts'
import { type Access, accessTo, after, orderText, type Position } from './access.ts'
import { AdaptiveBatch } from './adaptive.ts'
import { qualified } from './shape.ts'
import type { Work } from './work.ts'

interface Taken {
  readonly chosen: number
  readonly changed: number
  readonly position: Position | null
}

/**
 * Goes through the rows of a phase once. `assignments`: what becomes of them (`"deleted_at" = …`); null deletes them.
 * A row that is locked or still referred to is closed in on, left alone, and met again by the next run.
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
      work.change((connection, stays) =>
        takeRows(connection, work, phase, { access, assignments, position, rows, stays }),
      ),
    )
    if (taken === 'narrowed') continue
    const outcome: Taken =
      taken ??
      (await work.read((connection) =>
        takeRows(connection, work, phase, {
          access,
          assignments: 'none',
          position,
          rows,
          stays: NOTHING_STAYS,
        }),
      ))
    const ms = performance.now() - started
    if (taken !== null) batch.took(ms)
    position = outcome.position
    tally.add(phase.effect, outcome.changed)
    tally.kept += outcome.chosen - outcome.changed
    tally.busyMs += ms
    if (outcome.chosen > 0) {
      work.tell({
        type: 'batch',
        effect: phase.effect,
        changed: outcome.changed,
        kept: outcome.chosen - outcome.changed,
        ms,
        nextRows: batch.rows,
      })
    }
    if (outcome.chosen < rows) return
  }
}

/** `narrowed`: try again with fewer rows. Null: a single row is the obstacle. */
export async function closeIn<T>(
  batch: AdaptiveBatch,
  rows: number,
  change: () => Promise<T>,
): Promise<T | 'narrowed' | null> {
  try {
    return await change()
  } catch (error) {
    if (!(error instanceof ForeignKeyError) && !(error instanceof TimeoutError)) throw error
    return batch.narrow(rows) ? 'narrowed' : null
  }
}

interface Take {
  readonly access: Access
  /** `none` only finds the rows. */
  readonly assignments: string | null
  readonly position: Position | null
  readonly rows: number
  readonly stays: Stays
}

/**
 * The condition stands in the change as well: when a row was changed meanwhile, PostgreSQL looks at the newer
 * version by the conditions of the statement that changes it, not by those of the one that chose it.
 */
async function takeRows(
  connection: Connection,
  work: Work,
  phase: Phase,
  { access, assignments, position, rows, stays }: Take,
): Promise<Taken> {
  const { rule, shape } = work
  const { target } = rule
  const takes = eligible(rule, phase, stays)
  const keys = access.order.map((name) => `${qualified(target, name)} as ${quoteIdentifier(name)}`)
  const names = access.order.map((name) => quoteIdentifier(name))
  const place = shape.partitioned
    ? `${qualified(target, 'tableoid')} = chosen.part and ${qualified(target, 'ctid')} = chosen.place`
    : `${qualified(target, 'ctid')} = any (array(select place from chosen))`
  const joined = shape.partitioned ? ' chosen' : null
  const change =
    assignments === null
      ? `delete from ${target.sql}${joined === null ? '' : ` using${joined}`}`
      : `update ${target.sql} set ${assignments}${joined === null ? '' : ` from${joined}`}`
  const further = position ?? []
  const { rows: answer } = await connection.query({
    text: `
with chosen as materialized (
  select ${qualified(target, 'tableoid')} as part, ${qualified(target, 'ctid')} as place, ${keys.join(', ')}
  from ${target.sql}
  where ${takes}
    ${after(rule, shape, access, position, 7)}
  order by ${orderText(rule, access)}
  limit $3::bigint
)${
      assignments === 'none'
        ? ''
        : `,
changed as (
  ${change}
  where ${place}
    and ${takes}
  returning 1
),
noted as (
  insert into tenantry.retention_batches (run_id, fence, effect, changed)
  select $4::uuid, $5::bigint, $6, pg_catalog.count(*) from changed
  having pg_catalog.count(*) > 0
)`
    }
select
  (select pg_catalog.count(*) from chosen),
  ${assignments === 'none' ? `case when $4::uuid is null or $5::bigint is null or $6::text is null then 1 else 0 end` : '(select pg_catalog.count(*) from changed)'},
  (
    select pg_catalog.json_build_array(${names.map((name) => `${name}::text`).join(', ')})
    from chosen
    order by ${names.map((name) => `${name} desc`).join(', ')}
    limit 1
  )`,
    params: [...work.parameters, rows, work.run.id, work.fence, phase.effect, ...further],
  })
  const [chosen, changed, last] = answer[0] ?? []
  return {
    chosen: Number(chosen),
    changed: Number(changed),
    position: Array.isArray(last) ? (last as Position) : position,
  }
}
