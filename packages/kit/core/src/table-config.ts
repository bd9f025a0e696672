import { getTableConfig, type PgTable } from 'drizzle-orm/pg-core'

type TableConfig = ReturnType<typeof getTableConfig>

const known = new WeakMap<PgTable, TableConfig>()

/**
 * Drizzle's `getTableConfig`, asked once for a table: it runs the table's declaration of keys, indexes and checks
 * anew for each caller, which a system's import would pay for a hundred times. Call it when the tables that the
 * declaration refers to exist, not while they are being declared.
 */
export function tableConfig(table: PgTable): TableConfig {
  let config = known.get(table)
  if (config === undefined) {
    config = getTableConfig(table)
    known.set(table, config)
  }
  return config
}
