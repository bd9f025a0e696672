/** A Mermaid entity-relationship diagram of the tables that a Drizzle schema module exports. */
import { is } from 'drizzle-orm'
import { getTableConfig, IndexedColumn, PgTable, type Index } from 'drizzle-orm/pg-core'

/**
 * Tables in the order of the module, columns in the order of the table, then one line for each foreign key.
 * A child whose key is unique is drawn as at most one; a key that may be null, as an optional parent.
 */
export function erDiagram(schema: Readonly<Record<string, unknown>>): string {
  const tables = Object.values(schema).filter((value): value is PgTable => is(value, PgTable))
  const described = tables.map(describeTable)
  return [
    'erDiagram',
    ...described.flatMap((table) => table.entity),
    ...described.flatMap((table) => table.relations),
  ].join('\n')
}

function describeTable(table: PgTable): { entity: string[]; relations: string[] } {
  const config = getTableConfig(table)
  const primary = new Set([
    ...config.columns.filter((column) => column.primary).map((column) => column.name),
    ...config.primaryKeys.flatMap((key) => key.columns.map((column) => column.name)),
  ])
  const uniques = [
    [...primary],
    ...config.columns.filter((column) => column.isUnique).map((column) => [column.name]),
    ...config.uniqueConstraints.map((constraint) => constraint.columns.map((column) => column.name)),
    ...config.indexes.flatMap(uniqueColumns),
  ].map(asSet)
  const references = config.foreignKeys.map((key) => key.reference())
  const referring = new Set(references.flatMap(({ columns }) => columns.map((column) => column.name)))

  const entity = config.columns.map((column) => {
    const keys = [
      primary.has(column.name) && 'PK',
      referring.has(column.name) && 'FK',
      !primary.has(column.name) && uniques.includes(asSet([column.name])) && 'UK',
    ].filter((key) => key !== false)
    return `    ${[mermaidType(column.getSQLType()), column.name, keys.join(', ')].join(' ').trimEnd()}`
  })
  const relations = references.map(({ columns, foreignTable }) => {
    const names = columns.map((column) => column.name)
    const parent = columns.every((column) => column.notNull) ? '||' : '|o'
    const child = uniques.includes(asSet(names)) ? 'o|' : 'o{'
    return `  ${getTableConfig(foreignTable).name} ${parent}--${child} ${config.name} : "${names.join(', ')}"`
  })
  return { entity: [`  ${config.name} {`, ...entity, '  }'], relations }
}

/** The columns of a unique index over plain columns and all rows. */
function uniqueColumns({ config }: Index): string[][] {
  if (!config.unique || config.where !== undefined) return []
  const names = config.columns.flatMap((column) => (is(column, IndexedColumn) ? [column.name ?? ''] : []))
  return names.length === config.columns.length ? [names] : []
}

/** Equal for the same columns in any order. */
const asSet = (columns: readonly string[]) => columns.toSorted().join()

/** Mermaid's types are one word, without commas. */
function mermaidType(type: string): string {
  return type.replace('timestamp with time zone', 'timestamptz').replaceAll(/[^\w()[\]-]+/g, '_')
}

/** The text with the diagram between its markers, or undefined where they are missing. */
export function replaceDiagram(text: string, name: string, diagram: string): string | undefined {
  const open = `<!-- er-diagram ${name} -->\n`
  const close = `<!-- /er-diagram ${name} -->`
  const start = text.indexOf(open)
  const end = text.indexOf(close, start)
  if (start < 0 || end < 0) return undefined
  return `${text.slice(0, start)}${open}\n\`\`\`mermaid\n${diagram}\n\`\`\`\n\n${text.slice(end)}`
}
