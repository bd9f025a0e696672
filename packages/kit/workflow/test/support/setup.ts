import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Database, DdlObject, Executor } from '@tenantry/core'
import { migrate } from '@tenantry/ddl'
// By path: the packages stand above this one, or beside it.
import { createTestDatabase, type TestDatabase } from '@tenantry/testing'
import { generateMigration } from '@tenantry/ddl/generate'
import { serviceExecutor } from '@tenantry/rls'

export const ALICE = 'user_alice'
export const BOB = 'user_bob'

export interface TestSystem {
  readonly schema: Readonly<Record<string, unknown>>
  readonly objects: readonly DdlObject[]
}

export interface Setup extends TestDatabase {
  /** The service role's: how claims are run. */
  readonly service: Executor
  /** Raw SQL with the login's own rights, beside every scope. */
  raw(text: string, ...params: readonly unknown[]): Promise<readonly (readonly unknown[])[]>
}

/** A database of its own with the system migrated and nothing in it. */
export async function createSystem(name: string, system: TestSystem): Promise<Setup> {
  const test = await createTestDatabase({
    migrate: (database) => migrateSystem(name, system, database),
    template: {
      key: `workflow_${name}`,
      sources: [
        new URL('../../src/', import.meta.url),
        new URL('../../../ddl/src/', import.meta.url),
        new URL('../../../rls/src/', import.meta.url),
        new URL('.', import.meta.url),
      ],
    },
  })
  const { driver } = test.database
  return {
    ...test,
    service: serviceExecutor(test.database),
    raw: async (text, ...params) => (await driver.query({ text, params })).rows,
  }
}

async function migrateSystem(name: string, system: TestSystem, database: Database): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'tenantry-workflow-'))
  try {
    await generateMigration({ name, schema: system.schema, objects: system.objects, directory })
    await migrate(database.driver, { system: name, migrations: directory })
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** A promise to be kept by the test. */
export function latch() {
  let open = () => {}
  const opened = new Promise<void>((resolve) => (open = resolve))
  return { open: () => open(), opened }
}
