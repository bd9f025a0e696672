/** The condition under which a row may be deleted: no hold reaches it, and none reaches what would go with it. */
import { ConfigurationError } from '@tenantry/core'
import { quoteIdentifier, quoteLiteral, type RelationReference } from '@tenantry/ddl'
import type { GraphEdge, GraphTable, TableGraph } from '../graph/table-graph.ts'
import { type ActiveHolds, inForce } from './active.ts'
import { rowKeyOf } from './row-key.ts'

export interface NotHeldOptions {
  readonly table: RelationReference | string
  /** By which the statement knows the table's rows; a plain SQL name. */
  readonly alias: string
  /** What `lockHolds` answered in the same transaction. Null: a text that asks for everything that could be held. */
  readonly holds: ActiveHolds | null
}

/**
 * A SQL condition without parameters for a statement that deletes rows of `table`. It is `true` where no hold in
 * force can reach the table.
 *
 * A hold reaches the row or table or tenant that it names, every row that hangs on those through foreign keys, over
 * any number of tables, and every row whose deletion would delete, change or be refused by a row that is held.
 * Where foreign keys lead in a circle over several tables, rows are kept after one round: rather too many than one
 * too few.
 *
 * @throws ConfigurationError where a tenant is held and the graph knows of no tenant column.
 */
export function notHeld(graph: TableGraph, { table, alias, holds }: NotHeldOptions): string {
  if (
    holds?.tenants === true &&
    [...graph.tables.values()].every(({ tenantColumn }) => tenantColumn === null)
  ) {
    throw new ConfigurationError('A tenant is held, and it was never said whose the rows of any table are', {
      hint: 'Give `tenants`, such as a tenancy’s `tables`, to retention() or to the graph',
    })
  }
  const reasons = new Reasons(graph, holds)
  const root = graph.table(table)
  const conditions = [...reasons.above(root, alias, { tenant: true }), ...reasons.below(root, alias, [])]
  return conditions.length === 0 ? 'true' : `not (${conditions.join('\n  or ')})`
}

interface Above {
  /** Whether the row's tenant is still to be asked for: it isn't where a foreign key that carries it led here. */
  readonly tenant: boolean
  /** The tables between here and where it began. */
  readonly path?: readonly string[]
  /** The foreign key by which it came, from a parent that is asked for itself. */
  readonly except?: GraphEdge
}

class Reasons {
  readonly #graph: TableGraph
  readonly #holds: ActiveHolds | null
  #aliases = 0

  constructor(graph: TableGraph, holds: ActiveHolds | null) {
    this.#graph = graph
    this.#holds = holds
  }

  /** Why a row is held by itself or by what it hangs on. */
  above(table: GraphTable, alias: string, { tenant, path = [], except }: Above): readonly string[] {
    return [
      ...this.#own(table, alias, tenant),
      ...this.#parents(table, alias, path, except),
      ...this.#line(table, alias, 'up', (row, tenantOfLine) => [
        ...this.#own(table, row, tenantOfLine),
        ...this.#parents(table, row, path, except),
      ]),
    ]
  }

  /** Why a row must stay because of what hangs on it. */
  below(table: GraphTable, alias: string, path: readonly string[]): readonly string[] {
    return [
      ...this.#children(table, alias, path),
      ...this.#line(table, alias, 'down', (row, tenant) => [
        ...this.#own(table, row, tenant),
        ...this.#parents(table, row, [], undefined),
        ...this.#children(table, row, path),
      ]),
    ]
  }

  #own(table: GraphTable, alias: string, tenant: boolean): readonly string[] {
    const held = (condition: string): string =>
      `exists (select from tenantry.legal_holds as hold where ${inForce('hold')} and ${condition})`
    const label = `hold.table_name = ${quoteLiteral(table.label)}`
    const { tenantColumn } = table
    return [
      ...((this.#holds?.tables.has(table.label) ?? true) ? [held(`${label} and hold.row_key is null`)] : []),
      ...((this.#holds?.rows.has(table.label) ?? true) && table.primaryKey.length > 0
        ? [held(`${label} and hold.row_key = ${rowKeyOf(table, alias)}`)]
        : []),
      ...(tenant && (this.#holds?.tenants ?? true) && tenantColumn !== null
        ? [held(`hold.tenant = ${alias}.${quoteIdentifier(tenantColumn)}::text`)]
        : []),
    ]
  }

  #parents(
    table: GraphTable,
    alias: string,
    path: readonly string[],
    except: GraphEdge | undefined,
  ): readonly string[] {
    const edges = this.#graph.parentsOf(table.label).filter((edge) => edge !== except && !isSelf(edge))
    return edges.flatMap((edge) => {
      const parent = this.#graph.tables.get(edge.parent)
      if (parent === undefined) return []
      const next = [...path, table.label]
      const row = this.#alias()
      if (next.includes(parent.label)) {
        return this.#reached(parent.label, 'up') ? [`(${all(edge.childColumns, alias, 'is not null')})`] : []
      }
      return exists(
        `${parent.sql} as ${row}`,
        join(edge, row, alias),
        this.above(parent, row, { tenant: !carriesTenant(edge, table, parent), path: next }),
      )
    })
  }

  #children(table: GraphTable, alias: string, path: readonly string[]): readonly string[] {
    const edges = this.#graph.childrenOf(table.label).filter((edge) => !isSelf(edge))
    return edges.flatMap((edge) => {
      const child = this.#graph.tables.get(edge.child)
      if (child === undefined) return []
      const next = [...path, table.label]
      const row = this.#alias()
      if (next.includes(child.label)) {
        const further = edge.onDelete === 'cascade' && this.#reached(child.label, 'down')
        return further ? exists(`${child.sql} as ${row}`, join(edge, alias, row), ['true']) : []
      }
      return exists(`${child.sql} as ${row}`, join(edge, alias, row), [
        ...this.above(child, row, { tenant: !carriesTenant(edge, child, table), except: edge }),
        ...(edge.onDelete === 'cascade' ? this.below(child, row, next) : []),
      ])
    })
  }

  /** Rows of the same table above or below, by references of the table to itself, however long the line. */
  #line(
    table: GraphTable,
    alias: string,
    direction: 'up' | 'down',
    reasons: (row: string, tenant: boolean) => readonly string[],
  ): readonly string[] {
    const edges = this.#graph.parentsOf(table.label).filter(isSelf)
    if (edges.length === 0) return []
    const [line, row, last] = [this.#alias(), this.#alias(), this.#alias()]
    const conditions = reasons(line, !edges.every((edge) => carriesTenant(edge, table, table)))
    if (conditions.length === 0) return []
    const columns = [...lineColumns(this.#graph, table)].map(quoteIdentifier)
    const follow = (from: string): string =>
      edges
        .map((edge) => (direction === 'up' ? join(edge, row, from) : join(edge, from, row)))
        .map((condition) => `(${condition})`)
        .join(' or ')
    const step = `select ${columns.map((name) => `${row}.${name}`).join(', ')}`
    return [
      `exists (
    with recursive ${line} (${columns.join(', ')}) as (
      ${step} from ${table.sql} as ${row} where ${follow(alias)}
      union
      ${step} from ${line} as ${last} join ${table.sql} as ${row} on ${follow(last)}
    )
    select from ${line} where ${conditions.join(' or ')}
  )`,
    ]
  }

  /** Whether a hold in force could be met on the way from a table. */
  #reached(label: string, direction: 'up' | 'down'): boolean {
    const seen = [label]
    for (const at of seen) {
      const table = this.#graph.tables.get(at)
      if (table !== undefined && this.#own(table, 'row', true).length > 0) return true
      const next = [
        ...this.#graph.parentsOf(at).map((edge) => edge.parent),
        ...(direction === 'down' ? this.#graph.childrenOf(at).map((edge) => edge.child) : []),
      ]
      seen.push(...new Set(next.filter((other) => !seen.includes(other))))
    }
    return false
  }

  #alias(): string {
    this.#aliases += 1
    return `held_${this.#aliases}`
  }
}

/** Columns of a row that any reason could ask for. */
function lineColumns(graph: TableGraph, table: GraphTable): ReadonlySet<string> {
  return new Set([
    ...table.primaryKey,
    ...(table.tenantColumn === null ? [] : [table.tenantColumn]),
    ...graph.parentsOf(table.label).flatMap((edge) => edge.childColumns),
    ...graph.childrenOf(table.label).flatMap((edge) => edge.parentColumns),
  ])
}

/** Whether child and parent must be of the same tenant. */
function carriesTenant(edge: GraphEdge, child: GraphTable, parent: GraphTable): boolean {
  return edge.childColumns.some(
    (column, index) => column === child.tenantColumn && edge.parentColumns[index] === parent.tenantColumn,
  )
}

const isSelf = (edge: GraphEdge): boolean => edge.child === edge.parent

function join(edge: GraphEdge, parent: string, child: string): string {
  return edge.childColumns
    .map(
      (column, index) =>
        `${parent}.${quoteIdentifier(edge.parentColumns[index] ?? '')} = ${child}.${quoteIdentifier(column)}`,
    )
    .join(' and ')
}

function all(columns: readonly string[], alias: string, test: string): string {
  return columns.map((column) => `${alias}.${quoteIdentifier(column)} ${test}`).join(' and ')
}

function exists(from: string, on: string, reasons: readonly string[]): readonly string[] {
  if (reasons.length === 0) return []
  return [`exists (select from ${from} where ${on} and (${reasons.join(' or ')}))`]
}
