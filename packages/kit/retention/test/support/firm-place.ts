import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DdlObject, Executor, Module } from '@tenantry/core'
import { migrate } from '@tenantry/ddl'
import { generateMigration } from '@tenantry/ddl/generate'
import { serviceExecutor } from '@tenantry/rls'
import { createTestDatabase, type TestDatabase } from '@tenantry/testing'

export interface Place extends TestDatabase {
  readonly service: Executor
  /** Raw SQL with the login's own rights. */
  raw(text: string, ...params: readonly unknown[]): Promise<readonly (readonly unknown[])[]>
  /** The first value of the first row. */
  value(text: string, ...params: readonly unknown[]): Promise<unknown>
}

export interface PlaceOptions {
  readonly schema: Readonly<Record<string, unknown>>
  readonly objects: readonly DdlObject[]
  /** Whose tables belong to it as well. */
  readonly module: Module
}

/** A database of its own, migrated from declarations, with nothing in it. */
export async function createPlace(name: string, { schema, objects, module }: PlaceOptions): Promise<Place> {
  const brought = Object.fromEntries((module.tables ?? []).map(({ table }, n) => [`brought_${n}`, table]))
  const test = await createTestDatabase({
    async migrate(database) {
      const directory = mkdtempSync(join(tmpdir(), 'tenantry-retention-'))
      try {
        await generateMigration({ name, schema: { ...schema, ...brought }, objects, directory })
        await migrate(database.driver, { system: name, migrations: directory })
      } finally {
        rmSync(directory, { recursive: true })
      }
    },
    template: {
      key: `retention_${name}`,
      sources: ['../../src/', '../../../ddl/src/', '../../../rls/src/', '.'].map(
        (path) => new URL(path, import.meta.url),
      ),
    },
  })
  const raw: Place['raw'] = async (text, ...params) =>
    (await test.database.driver.query({ text, params })).rows
  return {
    ...test,
    service: serviceExecutor(test.database),
    raw,
    value: async (text, ...params) => (await raw(text, ...params))[0]?.[0],
  }
}
