import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Database, type DdlObject, type Driver, type Statement } from '@tenantry/core'
import { migrate } from '@tenantry/ddl'
import type { SQL } from 'drizzle-orm'
import { PgDialect } from 'drizzle-orm/pg-core'
// By path: the package stands above this one.
import { createTestDatabase, type TestDatabase } from '@tenantry/testing'
import { generateMigration } from '@tenantry/ddl/generate'
import type { Tenancy } from '../../src/index.ts'

export const ALICE = '00000000-0000-4000-8000-00000000000a'
export const BOB = '00000000-0000-4000-8000-00000000000b'
export const ACME = '00000000-0000-4000-9000-00000000000c'
export const BOLT = '00000000-0000-4000-9000-00000000000d'

export interface TestSystem {
  readonly schema: Readonly<Record<string, unknown>>
  readonly tenancy: Tenancy
  readonly objects: readonly DdlObject[]
}

const dialect = new PgDialect()

export function statementOf(query: SQL): Statement {
  const { sql: text, params } = dialect.sqlToQuery(query)
  return { text, params }
}

/** A database of its own with the system migrated and nothing in it. The first of a name makes the template. */
export function createSystem(name: string, system: TestSystem): Promise<TestDatabase> {
  return createTestDatabase({
    migrate: (database) => migrateSystem(name, system, database.driver),
    template: {
      key: `rls_${name}`,
      sources: [
        new URL('../../src/', import.meta.url),
        new URL('../../../ddl/src/', import.meta.url),
        new URL('.', import.meta.url),
      ],
    },
  })
}

export async function migrateSystem(name: string, system: TestSystem, driver: Driver): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'tenantry-rls-'))
  try {
    await generateMigration({ name, schema: system.schema, objects: system.objects, directory })
    await migrate(driver, { system: name, migrations: directory })
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** Runs statements as the login has its rights, beside every scope. */
export async function asOwner(database: Database, ...queries: readonly SQL[]): Promise<void> {
  for (const query of queries) await database.driver.query(statementOf(query))
}
