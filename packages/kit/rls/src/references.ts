import { ConfigurationError, tableConfig } from '@tenantry/core'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { ClassifiedTable } from './tenancy.ts'

/**
 * A reference between two tenant tables must carry the tenant, or a row could point into another tenant;
 * a unique key must hold it, or an insert would tell what another tenant has.
 */
export function checkReferences(tables: readonly ClassifiedTable[], globalKeys: readonly string[]): void {
  const byTable = new Map<PgTable, ClassifiedTable>(tables.map((table) => [table.table, table]))
  for (const child of tables) {
    if (child.tenantColumn === null) continue
    const config = tableConfig(child.table)
    for (const key of config.foreignKeys) {
      const { columns, foreignColumns, foreignTable } = key.reference()
      const parent = byTable.get(foreignTable)
      if (parent === undefined || parent.tenantColumn === null || parent.of !== child.of) continue
      const carried = columns.some(
        (column, index) =>
          column.name === child.tenantColumn?.name &&
          foreignColumns[index]?.name === parent.tenantColumn?.name,
      )
      if (!carried) {
        throw new ConfigurationError(`The foreign key ${key.getName()} leaves out the tenant`, {
          hint: `Reference (${parent.tenantColumn.name}, …) from (${child.tenantColumn.name}, …), so that a row can't point into another tenant`,
        })
      }
    }
    for (const unique of uniqueKeys(child.table)) {
      const held = unique.columns.includes(child.tenantColumn.name)
      if (held || globalKeys.includes(unique.name)) continue
      throw new ConfigurationError(`The unique key ${unique.name} of ${child.name} leaves out the tenant`, {
        hint: 'Add the tenant column, or list it in `globalKeys` if its value is global by nature',
      })
    }
  }
}

/** Unique constraints and unique indexes, the primary key aside: tenants don't choose it. */
export function uniqueKeys(table: PgTable): readonly { name: string; columns: readonly string[] }[] {
  const config = tableConfig(table)
  return [
    ...config.uniqueConstraints.map((unique) => ({
      name: unique.name ?? '',
      columns: unique.columns.map((column) => column.name),
    })),
    ...config.columns
      .filter((column) => column.isUnique)
      .map((column) => ({ name: column.uniqueName ?? '', columns: [column.name] })),
    ...config.indexes
      .filter((index) => index.config.unique)
      .map((index) => ({
        name: index.config.name ?? '',
        columns: index.config.columns.flatMap((column) =>
          'name' in column && column.name !== undefined ? [column.name] : [],
        ),
      })),
  ]
}
