/** Row security that hides rows from a run: then it takes fewer than it should, or misses what is held. */
import type { Connection } from '@tenantry/core'
import type { TableGraph } from '../graph/table-graph.ts'
import { notHeld } from '../holds/not-held.ts'
import type { RetentionRule } from '../rule/rule.ts'
import type { PlanNote } from './plan.ts'

/**
 * Tables whose rows the present role doesn't all see: no policy shows it every one, or a restrictive one filters. A
 * table that it may not read at all isn't among them, for there it gets an error.
 */
const FILTERED = `
select given.name
from pg_catalog.unnest($1::text[]) as given (name)
join pg_catalog.pg_class as relation on relation.oid = pg_catalog.to_regclass(given.name)
cross join lateral (
  select
    bool_or(policy.polpermissive and condition = 'true') as shows_all,
    bool_or(not policy.polpermissive and condition <> 'true') as filters
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

export async function unseenNotes(
  connection: Connection,
  { target, hold }: RetentionRule,
  graph: TableGraph,
): Promise<readonly PlanNote[]> {
  const asked = hold ? notHeld(graph, { table: target, alias: 'taken', holds: null }) : ''
  const tables = [...graph.tables.values()].filter(
    ({ label, sql }) => label === target.label || asked.includes(` ${sql} as held_`),
  )
  const { rows } = await connection.query({ text: FILTERED, params: [tables.map(({ sql }) => sql)] })
  return rows.map(([name]) => ({
    code: 'row-security',
    message:
      name === target.sql
        ? `Row security hides rows of ${target.label} from tenantry_retention`
        : `Row security hides rows of ${String(name)} from tenantry_retention: a hold on one of them would not be seen`,
    remedy:
      'Restrict the policies of that table to the roles that they are meant for, and let this one see all',
  }))
}
