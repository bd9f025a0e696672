/** Which tables hang on which, as a value: for plans, holds, and whatever follows a person's rows. */
import { ConfigurationError } from '@tenantry/core'
import { relation, type RelationReference } from '@tenantry/ddl'

export type OnDelete = 'cascade' | 'restrict' | 'no action' | 'set null' | 'set default'

export interface GraphColumn {
  /** As PostgreSQL writes it, such as `uuid` or `timestamp with time zone`. */
  readonly type: string
  readonly notNull: boolean
}

export interface GraphTable {
  /** `schema.name`: the key of the graph. */
  readonly label: string
  readonly schema: string
  readonly name: string
  /** Quoted, for SQL. */
  readonly sql: string
  readonly columns: ReadonlyMap<string, GraphColumn>
  /** Empty where the table has none. */
  readonly primaryKey: readonly string[]
  /** The column that says whose a row is; null: nobody's, or its parents say so. */
  readonly tenantColumn: string | null
}

/** One foreign key. The n-th column of the child refers to the n-th of the parent. */
export interface GraphEdge {
  readonly constraint: string
  /** Labels. */
  readonly child: string
  readonly parent: string
  readonly childColumns: readonly string[]
  readonly parentColumns: readonly string[]
  /** What deleting the parent's row does to the child's. */
  readonly onDelete: OnDelete
  /**
   * Whether an index leads with the child's columns, so that deleting a parent finds the children without reading
   * the whole table. Null: not known, because the graph was made from declarations.
   */
  readonly indexed: boolean | null
}

/**
 * Tables and foreign keys. Read it from a live database with `readGraph` (the truth, tables of others included)
 * or from declarations with `declaredGraph`. A partition isn't in it: its parent is.
 */
export interface TableGraph {
  readonly tables: ReadonlyMap<string, GraphTable>
  readonly edges: readonly GraphEdge[]
  /** Foreign keys of this table: where it hangs. A reference to itself is among them. */
  parentsOf(label: string): readonly GraphEdge[]
  /** Foreign keys to this table: what hangs on it. */
  childrenOf(label: string): readonly GraphEdge[]
  /** Throws ConfigurationError for a table that isn't in the graph. */
  table(reference: RelationReference | string): GraphTable
  /**
   * What deleting a row of this table touches, nearest first: each foreign key once, followed further down only
   * where it cascades. What `restrict` and `no action` name stands in the way.
   */
  reachOfDelete(label: string): readonly GraphEdge[]
}

/** Whose rows a table holds. A tenancy's `tables` fit. */
export interface TenantTable {
  readonly schema: string
  readonly name: string
  readonly tenantColumn: { readonly name: string } | null
  /** `user`: the column names a person across organizations, not the tenant. Default: `tenant`. */
  readonly of?: 'tenant' | 'user'
}

export function tenantColumns(tables: readonly TenantTable[]): ReadonlyMap<string, string> {
  return new Map(
    tables.flatMap(({ schema, name, tenantColumn, of = 'tenant' }) =>
      tenantColumn === null || of === 'user' ? [] : [[`${schema}.${name}`, tenantColumn.name] as const],
    ),
  )
}

export function tableGraph(tables: readonly GraphTable[], edges: readonly GraphEdge[]): TableGraph {
  const byLabel = new Map(tables.map((table) => [table.label, table]))
  const byChild = grouped(edges, 'child')
  const byParent = grouped(edges, 'parent')
  const childrenOf = (label: string): readonly GraphEdge[] => byParent.get(label) ?? []
  return {
    tables: byLabel,
    edges,
    parentsOf: (label) => byChild.get(label) ?? [],
    childrenOf,
    table(reference) {
      const label = typeof reference === 'string' ? reference : relation(reference).label
      const found = byLabel.get(label)
      if (found !== undefined) return found
      throw new ConfigurationError(`There is no table ${label}`, {
        hint: 'Write it as schema.name; a partition counts as its parent',
      })
    },
    reachOfDelete(label) {
      const reached: GraphEdge[] = []
      const queue = [label]
      for (const at of queue) {
        for (const edge of childrenOf(at)) {
          if (reached.includes(edge)) continue
          reached.push(edge)
          if (edge.onDelete === 'cascade' && !queue.includes(edge.child)) queue.push(edge.child)
        }
      }
      return reached
    },
  }
}

function grouped(
  edges: readonly GraphEdge[],
  by: 'child' | 'parent',
): ReadonlyMap<string, readonly GraphEdge[]> {
  const groups = new Map<string, GraphEdge[]>()
  for (const edge of edges) groups.set(edge[by], [...(groups.get(edge[by]) ?? []), edge])
  return groups
}
