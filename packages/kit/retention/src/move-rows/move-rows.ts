import { ConfigurationError } from '@tenantry/core'
import { quoteIdentifier, relation } from '@tenantry/ddl'
import { getTableColumns } from 'drizzle-orm'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { RetentionAction } from '../action.ts'
import { after, orderText } from '../engine/access.ts'
import { type MoveBatch, moveInBatches } from '../engine/move-in-batches.ts'
import { noColumnBut, qualified } from '../engine/shape.ts'
import type { Work } from '../engine/work.ts'
import { RetentionRefusedError } from '../errors.ts'
import { eligible, type Phase } from '../rule/phase.ts'

/**
 * An action for `defineRetention(from, …)`: rows go to a table of the same columns, such as `orders_archive`, where
 * they can still be queried. Each transaction deletes and inserts together, so a row is in one of the two tables at
 * any moment and never in both, whoever is killed when. Rows that are held stay where they are. What else `into` has
 * takes its defaults. While `from` has a column in the database that isn't declared, nothing is moved: it would be lost.
 *
 * @throws ConfigurationError where `into` lacks a column, has it of another type, or has further ones without a value.
 */
export function moveRows(from: PgTable, into: PgTable): RetentionAction {
  const columns = checkedColumns(from, into)
  const known = Object.values<PgColumn>(getTableColumns(from)).map(({ name }) => name)
  return {
    kind: 'move',
    privileges: { delete: true },
    writes: [{ table: into, privileges: { insert: true } }],
    moves: { into, columns },
    archives: false,
    cascades: false,
    phases({ table, target, age }) {
      if (table !== from) {
        throw new ConfigurationError(`The rule on ${target.label} moves rows of ${relation(from).label}`, {
          hint: 'Give moveRows() the table of its rule first',
        })
      }
      return [{ effect: 'move', age, condition: noColumnBut(target, known), removes: true }]
    },
    async run(work) {
      const unknown = work.shape.columns.find(({ name }) => !known.includes(name))
      if (unknown !== undefined) {
        throw new RetentionRefusedError(
          `${relation(from).label} has a column ${unknown.name} that isn't declared: moving a row would lose it`,
          { hint: `Declare it, in ${relation(into).label} as well` },
        )
      }
      for (const phase of work.phases) {
        await moveInBatches(work, phase, {
          statement: (batch) => moveStatement(work, phase, { into, columns }, batch),
          refused: () =>
            new RetentionRefusedError(
              `Not every row that leaves ${relation(from).label} would arrive in ${relation(into).label}`,
              { hint: 'A trigger there drops rows; nothing was moved' },
            ),
        })
      }
    },
  }
}

function checkedColumns(from: PgTable, into: PgTable): readonly string[] {
  const refuse = (what: string): never => {
    throw new ConfigurationError(
      `Rows of ${relation(from).label} can't be moved to ${relation(into).label}: ${what}`,
    )
  }
  const generated = ({ generated: expression }: PgColumn): boolean => expression !== undefined
  const own = Object.values<PgColumn>(getTableColumns(from)).filter((column) => !generated(column))
  const theirs = new Map(
    Object.values<PgColumn>(getTableColumns(into)).map((column) => [column.name, column]),
  )
  for (const column of own) {
    const arrives = theirs.get(column.name)
    if (arrives === undefined) refuse(`it has no column ${column.name}`)
    else if (arrives.getSQLType() !== column.getSQLType() || generated(arrives)) {
      refuse(`its ${column.name} is ${generated(arrives) ? 'generated' : arrives.getSQLType()}`)
    } else if (arrives.notNull && !column.notNull) refuse(`its ${column.name} may not be null`)
    theirs.delete(column.name)
  }
  for (const column of theirs.values()) {
    if (column.notNull && !column.hasDefault && !generated(column))
      refuse(`its ${column.name} would have no value`)
  }
  return own.map(({ name }) => quoteIdentifier(name))
}

/** See `Move`. */
function moveStatement(
  { rule, shape }: Work,
  phase: Phase,
  { into, columns }: { readonly into: PgTable; readonly columns: readonly string[] },
  { access, position, stays }: MoveBatch,
): string {
  const { target } = rule
  const takes = eligible(rule, phase, stays)
  const order = access.order.map((name) => `${qualified(target, name)} as ${quoteIdentifier(name)}`)
  const names = access.order.map(quoteIdentifier)
  const list = columns.join(', ')
  return `
with chosen as materialized (
  select ${qualified(target, 'tableoid')} as part, ${qualified(target, 'ctid')} as place, ${order.join(', ')}
  from ${target.sql}
  where ${takes}
    ${after(rule, shape, access, position, 7)}
  order by ${orderText(rule, access)}
  limit $3::bigint
),
gone as (
  delete from ${target.sql} using chosen
  where ${qualified(target, 'tableoid')} = chosen.part and ${qualified(target, 'ctid')} = chosen.place
    and ${takes}
  returning ${columns.map((name) => `${quoteIdentifier(target.name)}.${name}`).join(', ')}
),
put as (
  insert into ${relation(into).sql} (${list})
  select ${list} from gone
  returning 1
),
noted as (
  insert into tenantry.retention_batches (run_id, fence, effect, changed)
  select $4::uuid, $5::bigint, $6, pg_catalog.count(*) from gone
  having pg_catalog.count(*) > 0
)
select
  (select pg_catalog.count(*) from chosen),
  (select pg_catalog.count(*) from gone),
  (select pg_catalog.count(*) from gone) = (select pg_catalog.count(*) from put),
  (
    select pg_catalog.json_build_array(${names.map((name) => `${name}::text`).join(', ')})
    from chosen
    order by ${names.map((name) => `${name} desc`).join(', ')}
    limit 1
  )`
}
