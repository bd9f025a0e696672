/** What the table is now, by the catalog: an archive holds every column that there is, declared or not. */
import { ConfigurationError, type Connection } from '@tenantry/core'
import { quoteIdentifier, quoteLiteral, type Relation } from '@tenantry/ddl'

export interface ShapeColumn {
  readonly name: string
  /** As PostgreSQL writes it, such as `numeric(10,2)`. */
  readonly type: string
  readonly notNull: boolean
  /** Follows from the others: archived, and computed anew when restored. */
  readonly generated: boolean
}

export interface TableShape {
  readonly columns: readonly ShapeColumn[]
  readonly primaryKey: readonly string[]
  readonly partitioned: boolean
  /** The first column that it is partitioned by; null: it isn't, or by an expression. */
  readonly partitionKey: string | null
}

const SHAPE = `
select
  relation.relkind = 'p',
  (
    select pg_catalog.json_agg(
      pg_catalog.json_build_object(
        'name', attribute.attname,
        'type', pg_catalog.format_type(attribute.atttypid, attribute.atttypmod),
        'notNull', attribute.attnotnull,
        'generated', attribute.attgenerated <> ''
      )
      order by attribute.attnum
    )
    from pg_catalog.pg_attribute as attribute
    where attribute.attrelid = relation.oid and attribute.attnum > 0 and not attribute.attisdropped
  ),
  (
    select pg_catalog.json_agg(attribute.attname order by key.position)
    from pg_catalog.pg_constraint as primary_key
    cross join lateral pg_catalog.unnest(primary_key.conkey) with ordinality as key (number, position)
    join pg_catalog.pg_attribute as attribute on attribute.attrelid = relation.oid and attribute.attnum = key.number
    where primary_key.conrelid = relation.oid and primary_key.contype = 'p'
  ),
  (
    select attribute.attname::text
    from pg_catalog.pg_partitioned_table as partitioned
    join pg_catalog.pg_attribute as attribute
      on attribute.attrelid = relation.oid and attribute.attnum = partitioned.partattrs[0]
    where partitioned.partrelid = relation.oid
  ),
  relation.relkind = 'r' and exists (select from pg_catalog.pg_inherits where inhparent = relation.oid)
from pg_catalog.pg_class as relation
join pg_catalog.pg_namespace as namespace on namespace.oid = relation.relnamespace
where namespace.nspname = $1 and relation.relname = $2 and relation.relkind in ('r', 'p')`

/** Types are written with their schemas, or a session that finds them by itself would take them for others. */
const PATH = `select pg_catalog.current_setting('search_path')`
const SET_PATH = `select pg_catalog.set_config('search_path', $1, true)`

/**
 * @throws ConfigurationError for a table that isn't there, has no primary key in this database, or has tables that
 *   inherit from it: a DELETE takes their rows along, with columns that nobody looked at.
 */
export async function readShape(connection: Connection, target: Relation): Promise<TableShape> {
  const path = await connection.query({ text: PATH, params: [], reusable: true })
  await connection.query({ text: SET_PATH, params: [''], reusable: true })
  const { rows } = await connection.query({
    text: SHAPE,
    params: [target.schema, target.name],
    reusable: true,
  })
  await connection.query({ text: SET_PATH, params: [path.rows[0]?.[0]], reusable: true })
  const [partitioned, columns, primaryKey, partitionKey, inherited] = rows[0] ?? []
  if (!Array.isArray(columns)) {
    throw new ConfigurationError(`This database has no table ${target.label}`, { hint: 'Migrate it first' })
  }
  if (!Array.isArray(primaryKey)) {
    throw new ConfigurationError(`${target.label} has no primary key in this database`, {
      hint: 'Rows are found again by it between archive and deletion: give the table one',
    })
  }
  if (inherited === true) {
    throw new ConfigurationError(`Other tables inherit from ${target.label}`, {
      hint: 'Their rows would go with its own, and their further columns with them: make it a partitioned table',
    })
  }
  return {
    partitioned: partitioned === true,
    partitionKey: typeof partitionKey === 'string' ? partitionKey : null,
    columns: columns as readonly ShapeColumn[],
    primaryKey: primaryKey as readonly string[],
  }
}

/** Its name in a statement that knows the table by its own. */
export const qualified = (target: Relation, column: string): string =>
  `${quoteIdentifier(target.name)}.${quoteIdentifier(column)}`

/**
 * The row as one line: a JSON array of the columns' values in PostgreSQL's own text, so that nothing is lost to a
 * JavaScript type. The same expression makes the archive and is compared with it before a row is deleted. An array
 * costs a third of what an object does.
 */
export function lineOf(target: Relation, { columns }: Pick<TableShape, 'columns'>): string {
  const values = columns.map(({ name }) => `${qualified(target, name)}::text`)
  return `pg_catalog.to_json(array[${values.join(', ')}])::text`
}

/**
 * True for the whole statement while the table has no column but these. One may come at any moment, and what is
 * written into it would go unseen: a statement that takes rows knows the columns of the moment in which it was made.
 */
export function noColumnBut(target: Relation, names: readonly string[]): string {
  return `not exists (
    select from pg_catalog.pg_attribute as attribute
    where attribute.attrelid = ${quoteLiteral(target.sql)}::pg_catalog.regclass
      and attribute.attnum > 0 and not attribute.attisdropped
      and attribute.attname <> all (array[${names.map(quoteLiteral).join(', ')}])
  )`
}

/** The text of a column in a line. */
export function valueIn(line: string, { columns }: Pick<TableShape, 'columns'>, name: string): string {
  return `(${line}::json ->> ${columns.findIndex((column) => column.name === name)})`
}

export function typeOf({ columns }: TableShape, name: string): string {
  return columns.find((column) => column.name === name)?.type ?? 'text'
}
