import type { Driver } from '@tenantry/core'
import { historyExists, pendingMigrations, readHistory, type AppliedMigration } from './history.ts'
import { loadMigrations, type MigrationSource } from './migrate.ts'

export interface MigrationStatus {
  /** What the database has, in order. */
  readonly applied: readonly AppliedMigration[]
  /** Names of the files that `migrate` would apply, in order. */
  readonly pending: readonly string[]
  /** Why `migrate` would refuse, as MigrationError words it; null when it wouldn't. */
  readonly problem: string | null
}

/** Compares the files with the database; writes nothing. */
export async function migrationStatus(driver: Driver, source: MigrationSource): Promise<MigrationStatus> {
  const migrations = loadMigrations(source.migrations)
  const applied = (await historyExists(driver)) ? await readHistory(driver, source.system) : []
  try {
    const pending = pendingMigrations(migrations, applied).map((migration) => migration.name)
    return { applied, pending, problem: null }
  } catch (error) {
    return { applied, pending: [], problem: error instanceof Error ? error.message : String(error) }
  }
}
