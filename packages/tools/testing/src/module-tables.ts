/** The tables of mechanisms, against the catalog of a database. */
import type { CatalogSource } from './catalog.ts'

/** What mechanisms bring in the Postgres schema `tenantry`, written out by hand, by the module's name. */
export const MODULE_TABLES = {
  plans: [
    'limit_accounts',
    'limit_caps',
    'limit_counters',
    'limit_features',
    'limit_holds',
    'limit_marks',
    'limit_overrides',
    'limit_plans',
  ],
  retention: [
    'archive_segments',
    'legal_holds',
    'partition_retirements',
    'retention_batches',
    'retention_leases',
    'retention_runs',
  ],
} as const

/** Tables of the Postgres schema `tenantry`, without the history of migrations; and which of them a tenant may read. */
export async function moduleTablesOf(
  database: CatalogSource,
): Promise<{ name: string; forced: boolean; readable: boolean }[]> {
  return database.rows(`
    select relname as name, relrowsecurity and relforcerowsecurity as forced,
           has_table_privilege('tenantry_tenant', oid, 'select') as readable
    from pg_class
    where relnamespace = 'tenantry'::regnamespace and relkind in ('r', 'p') and not relispartition
      and relname <> 'migrations'
    order by relname`)
}
