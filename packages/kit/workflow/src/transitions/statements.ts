/** The one statement of a move, and the question that is asked when it did nothing. */
import { type CompiledQuery, compiledQuery } from '@tenantry/core'
import { castType } from '@tenantry/repository'
import { type SQL, sql } from 'drizzle-orm'
import { type PgColumn, PgDialect } from 'drizzle-orm/pg-core'
import { NOTE_SETTING } from './objects.ts'
import { named, type TransitionsPlan } from './plan.ts'

const dialect = new PgDialect()
const raw = (text: string): SQL => sql.raw(text)

function value(name: string, column: PgColumn | string): SQL {
  return sql`${sql.placeholder(name)}::${raw(typeof column === 'string' ? column : castType(column))}`
}

/** The record of the step that was made under a key. */
function prior({ record }: TransitionsPlan, gate: SQL): SQL {
  const version = record.version === undefined ? raw('null::integer') : raw(`record.${named(record.version)}`)
  return sql`select record.${raw(named(record.from))}::text as from_state, record.${raw(named(record.to))}::text as to_state,
    ${version}::integer as version
  from ${raw(record.target.sql)} as record
  where record.${raw(named(record.row))} = ${value('id', record.row)}
    and record.${raw(named(record.tenant))} = ${value('tenant', record.tenant)}
    and record.${raw(named(record.idempotencyKey))} = ${value('key', record.idempotencyKey)} and ${gate}`
}

/**
 * Locks the row, compares and sets. Answers nothing where there is no such row; else the state and version it
 * was in, whether it moved and to which version, and the step that was made under the same key before.
 * The gate stands in every part, since each is planned, and scans, by itself.
 */
export function moveStatement(plan: TransitionsPlan, gate: SQL | null): CompiledQuery {
  const { target, id, tenant, state, version } = plan
  const gated = gate ?? sql`true`
  const row = (column: PgColumn): SQL => raw(`row.${named(column)}`)
  const versionOf = (column: PgColumn | undefined): SQL =>
    column === undefined ? raw('null::integer') : sql`${row(column)}::integer`
  const query = sql`
with target as materialized (
  select ${row(id)} as id, ${row(state)}::text as state, ${versionOf(version)} as version
  from ${raw(target.sql)} as row
  where ${row(id)} = ${value('id', id)} and ${row(tenant)} = ${value('tenant', tenant)} and ${gated}
  for update
),
prior as materialized (
  ${prior(plan, gated)}
),
noted as materialized (
  select pg_catalog.set_config(${raw(`'${NOTE_SETTING}'`)}, ${value('note', 'text')}, true) as note
),
moved as (
  update ${raw(target.sql)} as row set ${raw(named(state))} = ${value('to', state)}
  from target, noted
  where ${row(id)} = target.id and ${row(tenant)} = ${value('tenant', tenant)} and noted.note is not null
    and target.state = any(${value('from', 'text[]')})
    and (${value('expected', 'integer')} is null or target.version = ${value('expected', 'integer')})
    and not exists (select from prior) and ${gated}
  returning ${versionOf(version)} as version
)
select target.state, target.version, moved is not null, moved.version,
  prior.from_state, prior.to_state, prior.version
from target left join moved on true left join prior on true`
  return compiledQuery(dialect.sqlToQuery(query), { gated: gate !== null })
}

export function priorStatement(plan: TransitionsPlan, gate: SQL | null): CompiledQuery {
  return compiledQuery(dialect.sqlToQuery(prior(plan, gate ?? sql`true`)), { gated: gate !== null })
}
