/** Row security that hides rows from a run: then it takes fewer than it should, or misses what is held. */
import type { Connection } from '@tenantry/core'
import { quoteLiteral } from '@tenantry/ddl'
import type { TableGraph } from '../graph/table-graph.ts'
import { notHeld } from '../holds/not-held.ts'
import type { RetentionRule } from '../rule/rule.ts'
import type { PlanNote } from './plan.ts'

/**
 * Tables whose rows the present role doesn't all see: no policy shows it every one, or a restrictive one filters. A
 * table that it may not read at all isn't among them, for there it gets an error.
 */
const filtered = (tables: string): string => `
select given.name
from pg_catalog.unnest(${tables}::text[]) as given (name)
join pg_catalog.pg_class as relation on relation.oid = pg_catalog.to_regclass(given.name)
cross join lateral (
  select
    pg_catalog.bool_or(policy.polpermissive and condition = 'true') as shows_all,
    pg_catalog.bool_or(not policy.polpermissive and condition <> 'true') as filters
  from pg_catalog.pg_policy as policy
  cross join lateral (select coalesce(pg_catalog.pg_get_expr(policy.polqual, policy.polrelid), 'true')) as of (condition)
  where policy.polrelid = relation.oid and policy.polcmd in ('*', 'r') and (
    0 = any (policy.polroles)
    or exists (select from pg_catalog.unnest(policy.polroles) as named (role) where pg_catalog.pg_has_role(role, 'usage'))
  )
) as policies
where pg_catalog.has_table_privilege(relation.oid, 'select')
  and pg_catalog.row_security_active(relation.oid)
  and (policies.shows_all is not true or policies.filters)
order by 1`

/** The rule's own table, and those on whose rows a hold would reach it. */
function looksInto({ target, hold }: RetentionRule, graph: TableGraph): readonly string[] {
  const asked = hold ? notHeld(graph, { table: target, alias: 'taken', holds: null }) : ''
  return [...graph.tables.values()]
    .filter(({ label, sql }) => label === target.label || asked.includes(` ${sql} as held_`))
    .map(({ sql }) => sql)
}

const REMEDY =
  'Restrict the policies of that table to the roles that they are meant for, and let this one see all'

export async function unseenNotes(
  connection: Connection,
  rule: RetentionRule,
  graph: TableGraph,
): Promise<readonly PlanNote[]> {
  const { target } = rule
  const { rows } = await connection.query({ text: filtered('$1'), params: [looksInto(rule, graph)] })
  return rows.map(([name]) => ({
    code: 'row-security',
    message:
      name === target.sql
        ? `Row security hides rows of ${target.label} from tenantry_retention`
        : `Row security hides rows of ${String(name)} from tenantry_retention: a hold on one of them would not be seen`,
    remedy: REMEDY,
  }))
}

/** The same as PL/pgSQL, for a function or a statement that does without the engine: it raises where a run is refused. */
export function refuseUnseen(rule: RetentionRule, graph: TableGraph): string {
  const hidden = filtered(`array[${looksInto(rule, graph).map(quoteLiteral).join(', ')}]`)
  return `
    if exists (${hidden}) then
      raise exception using
        errcode = 'object_not_in_prerequisite_state',
        message = pg_catalog.format(
          ${quoteLiteral(`the retention rule ${rule.name} is refused: row security hides rows of %s from tenantry_retention`)},
          (select pg_catalog.string_agg(hidden.name, ', ') from (${hidden}) as hidden (name))
        ),
        hint = ${quoteLiteral(REMEDY)};
    end if;`
}
