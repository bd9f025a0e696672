import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type Database } from '@tenantry/core'
import { migrate } from '@tenantry/ddl'
// By path of the workspace: the packages stand above this one, or beside it.
import { generateMigration } from '@tenantry/ddl/generate'
import { createTestDatabase, type TestDatabase } from '@tenantry/testing'
import type { Retention } from '../../src/index.ts'
import { objectsFor, rules, schema } from './documents.ts'

export const ALICE = '00000000-0000-4000-8000-00000000000a'
export const BOB = '00000000-0000-4000-8000-00000000000b'

export interface Setup extends TestDatabase {
  /** Raw SQL with the login's own rights, beside every policy. */
  raw(text: string, ...params: readonly unknown[]): Promise<readonly (readonly unknown[])[]>
  count(from: string): Promise<number>
  /** A folder of the test's own, removed with it. */
  readonly folder: string
  /** Another connection, as another process would have. */
  other(): Promise<Database>
}

/** A database with the system of `documents.ts` migrated, and nothing in it. */
export async function setup(which: Retention = rules, key = 'documents'): Promise<Setup> {
  const test = await createTestDatabase({
    migrate: (database) => migrateSystem(which, database),
    template: {
      key: `retention_${key}`,
      sources: [
        new URL('../../src/', import.meta.url),
        new URL('../../../ddl/src/', import.meta.url),
        new URL('../../../rls/src/', import.meta.url),
        new URL('.', import.meta.url),
      ],
    },
  })
  const { driver } = test.database
  const raw: Setup['raw'] = async (text, ...params) => (await driver.query({ text, params })).rows
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-archive-'))
  const others: Database[] = []
  const close = async (): Promise<void> => {
    await Promise.all(others.map((other) => other.close()))
    await test.close()
    rmSync(folder, { recursive: true, force: true })
  }
  return {
    ...test,
    raw,
    count: async (from) => Number((await raw(`select count(*) from ${from}`))[0]?.[0]),
    folder,
    async other() {
      const database = await connect(test.url)
      others.push(database)
      return database
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

async function migrateSystem({ module }: Retention, database: Database): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'tenantry-retention-'))
  const own = Object.fromEntries((module.tables ?? []).map(({ table }, index) => [`module_${index}`, table]))
  try {
    await generateMigration({
      name: 'documents',
      schema: { ...schema, ...own },
      objects: objectsFor(module),
      directory,
    })
    await migrate(database.driver, { system: 'documents', migrations: directory })
  } finally {
    rmSync(directory, { recursive: true })
  }
}

/** `old` documents beyond the age of the rule, and `young` ones; every value of the old ones is different. */
export async function seedDocuments(test: Setup, old: number, young = 0): Promise<void> {
  await test.raw(`
insert into documents (user_id, title, size, price, content, details, tags, weight, flag, seen_at, created_at)
select
  case when n % 2 = 0 then '${ALICE}'::uuid else '${BOB}'::uuid end,
  'document ' || n || E' "quoted" \\\\ and\\nbroken', n * 1000000007::bigint, n / 7.0, decode(md5(n::text), 'hex'),
  jsonb_build_object('n', n, 'text', repeat('x', n % 50)), array['a', null, n::text], n / 3.0, n % 3 = 0,
  now() - n * interval '1 second', now() - interval '100 days' - n * interval '1 minute'
from generate_series(1, ${old}) as n`)
  if (young > 0) {
    await test.raw(`
insert into documents (user_id, title, created_at)
select '${ALICE}', 'young ' || n, now() - n * interval '1 minute' from generate_series(1, ${young}) as n`)
  }
  await test.raw('analyze documents')
}
