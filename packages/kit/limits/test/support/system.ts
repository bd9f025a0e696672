/** A system of one mechanism: users with uuids, its own tables and the mechanism's, migrated as a host's are. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type Database, type Executor, type Module } from '@tenantry/core'
import { migrate } from '@tenantry/ddl'
import { generateMigration } from '@tenantry/ddl/generate'
import {
  bindTenant,
  defineTenancy,
  serviceExecutor,
  type Tenancy,
  tenancyObjects,
  tenantExecutor,
  withModuleTables,
} from '@tenantry/rls'
import { getTableName } from 'drizzle-orm'
import { createTestDatabase, type TestDatabase } from '@tenantry/testing'
import type { Rows } from './database.ts'

export const ALICE = '00000000-0000-4000-8000-00000000000a'
export const BOB = '00000000-0000-4000-8000-00000000000b'

export interface TestSystem extends TestDatabase {
  readonly tenancy: Tenancy
  /** The tenant's own executor. */
  as(userId: string, database?: Database): Executor
  /** The service role, bound to a tenant. */
  service(userId: string, database?: Database): Executor
  /** Raw SQL with the login's own rights: a superuser's. */
  raw(text: string, ...params: readonly unknown[]): Promise<Rows>
  /** Raw SQL as one of the roles, with the user's context where one is given. */
  rawAs(role: 'tenantry_tenant' | 'tenantry_service', text: string, userId?: string): Promise<Rows>
  /** Another pool of connections to the same database; closed by the test. */
  connect(maxConnections: number): Promise<Database>
}

type Schema = Readonly<Record<string, unknown>>

/** `tables` classifies what is in `schema`. */
export async function createSystem(
  name: string,
  modules: readonly Module[],
  schema: Schema = {},
  tables: Parameters<typeof defineTenancy>[0]['tables'] = {},
): Promise<TestSystem> {
  const added = modules.flatMap((module) => module.tables ?? [])
  const tenancy = withModuleTables(defineTenancy({ kind: 'user-uuid', schema, tables }), added)
  const objects = [...tenancyObjects(tenancy), ...modules.flatMap((module) => module.objects)]
  const unique = [...new Map(objects.map((object) => [object.id, object])).values()]
  const moduleTables = Object.fromEntries(added.map(({ table }) => [getTableName(table), table]))
  const test = await createTestDatabase({
    async migrate(database) {
      const directory = mkdtempSync(join(tmpdir(), 'tenantry-limits-'))
      try {
        await generateMigration({ name, schema: { ...schema, ...moduleTables }, objects: unique, directory })
        await migrate(database.driver, { system: name, migrations: directory })
      } finally {
        rmSync(directory, { recursive: true })
      }
    },
    template: {
      key: `limits_${name}`,
      sources: [
        new URL('../../src/', import.meta.url),
        new URL('../../../ddl/src/', import.meta.url),
        new URL('../../../rls/src/', import.meta.url),
        new URL('../', import.meta.url),
      ],
    },
  })
  const { driver } = test.database
  return {
    ...test,
    tenancy,
    as: (userId, database = test.database) => tenantExecutor(database, tenancy, { userId }),
    service: (userId, database = test.database) => bindTenant(serviceExecutor(database), userId),
    raw: async (text, ...params) => (await driver.query({ text, params })).rows,
    rawAs: (role, text, userId = '') =>
      driver.transaction({}, async (connection) => {
        await connection.query({
          text: `select set_config('role', $1, true), set_config('app.current_user_id', $2, true)`,
          params: [role, userId],
        })
        return (await connection.query({ text, params: [] })).rows
      }),
    connect: (maxConnections) => connect({ url: test.url, maxConnections }),
  }
}
