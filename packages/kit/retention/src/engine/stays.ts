/** Why rows stay that are old enough. */
import type { Connection } from '@tenantry/core'
import { quoteIdentifier } from '@tenantry/ddl'
import type { TableGraph } from '../graph/table-graph.ts'
import type { ActiveHolds } from '../holds/active.ts'
import { notHeld } from '../holds/not-held.ts'
import type { RetentionRule } from '../rule/rule.ts'
import { qualified } from './shape.ts'

/** Null: holds don't bind the rule. */
export function notHeldBy(graph: TableGraph, { target }: RetentionRule, holds: ActiveHolds | null): string {
  if (holds === null) return 'true'
  return notHeld(graph, { table: target, alias: quoteIdentifier(target.name), holds })
}

const READABLE = `
select name from pg_catalog.unnest($1::text[]) as child (name)
where pg_catalog.has_table_privilege(name, 'select')`

/**
 * No row of another table refers to it by a key that refuses the deletion. Where the role may not read the other
 * table, the deletion itself finds out, row by row.
 */
export async function notReferredTo(
  connection: Connection,
  graph: TableGraph,
  { target }: RetentionRule,
): Promise<string> {
  const refusing = graph
    .childrenOf(target.label)
    .filter(({ onDelete, child, parent }) => ['no action', 'restrict'].includes(onDelete) && child !== parent)
  if (refusing.length === 0) return 'true'
  const { rows } = await connection.query({
    text: READABLE,
    params: [refusing.map(({ child }) => graph.table(child).sql)],
  })
  const readable = new Set(rows.map(([name]) => name))
  const conditions = refusing
    .filter(({ child }) => readable.has(graph.table(child).sql))
    .map(({ child, childColumns, parentColumns }) => {
      const same = childColumns.map(
        (column, index) =>
          `referring.${quoteIdentifier(column)} = ${qualified(target, parentColumns[index] ?? '')}`,
      )
      return `not exists (select from ${graph.table(child).sql} as referring where ${same.join(' and ')})`
    })
  return conditions.length === 0 ? 'true' : conditions.join('\n  and ')
}
