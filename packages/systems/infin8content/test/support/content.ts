/** A migrated database with Infin8Content on it, and organizations to try it with. */
import type { Answer, OrganizationPrincipal } from '@tenantry/core'
import { tenantExecutor } from '@tenantry/rls'
import { createTestDatabase } from '@tenantry/testing'
import { infin8content } from '../../src/index.ts'
import { migrations } from '../../src/migrations.ts'
import { tenancy } from '../../src/tenancy.ts'

export type Content = ReturnType<typeof infin8content>
export type Scope = ReturnType<Content['as']>
type Plain = Record<string, unknown>

export async function contentDatabase() {
  const created = await createTestDatabase({
    template: { key: 'infin8content', sources: [migrations] },
    migrate: (database) => infin8content(database).migrate(),
  })
  const { database } = created
  return {
    ...created,
    content: infin8content(database),
    /** As the login: an owner or superuser, whom row security doesn't stop. */
    async rows<T extends object = Plain>(text: string, params: readonly unknown[] = []): Promise<T[]> {
      return objects<T>(await database.driver.query({ text, params }))
    },
    /** A statement of a member's own, as PostgREST would run it. */
    async rowsAs<T extends object = Plain>(
      principal: OrganizationPrincipal,
      text: string,
      params: readonly unknown[] = [],
    ): Promise<T[]> {
      return objects<T>(
        await tenantExecutor(database, tenancy, principal).run({ text, params, gated: false, once: true }),
      )
    },
  }
}

export type ContentDatabase = Awaited<ReturnType<typeof contentDatabase>>

function objects<T extends object>({ columns, rows }: Answer): T[] {
  return rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at]])) as T)
}

export const NOBODY = '00000000-0000-4000-8000-000000000000'
