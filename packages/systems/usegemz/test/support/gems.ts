/** A migrated database with usegemz on it, and people to try it with. */
import type { Answer } from '@tenantry/core'
import { tenantExecutor } from '@tenantry/rls'
import { createTestDatabase } from '@tenantry/testing'
import { usegemz } from '../../src/index.ts'
import { migrations } from '../../src/migrations.ts'
import { tenancy } from '../../src/tenancy.ts'

export type Gems = ReturnType<typeof usegemz>
export type Scope = ReturnType<Gems['as']>
type Plain = Record<string, unknown>

export async function gemsDatabase() {
  const created = await createTestDatabase({
    template: { key: 'usegemz', sources: [migrations] },
    migrate: (database) => usegemz(database).migrate(),
  })
  const { database } = created
  return {
    ...created,
    gems: usegemz(database),
    /** As the login: an owner or superuser, whom row security doesn't stop. */
    async rows<T extends object = Plain>(text: string, params: readonly unknown[] = []): Promise<T[]> {
      return objects<T>(await database.driver.query({ text, params }))
    },
    /** A statement of a person's own, as PostgREST would run it. */
    async rowsAs<T extends object = Plain>(
      userId: string,
      text: string,
      params: readonly unknown[] = [],
    ): Promise<T[]> {
      return objects<T>(
        await tenantExecutor(database, tenancy, { userId }).run({ text, params, gated: false, once: true }),
      )
    },
  }
}

export type GemsDatabase = Awaited<ReturnType<typeof gemsDatabase>>

/** Rows by column, of the type that the caller's statement gives them. */
function objects<T extends object>({ columns, rows }: Answer): T[] {
  return rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at]])) as T)
}

export const NOBODY = '00000000-0000-4000-8000-000000000000'
