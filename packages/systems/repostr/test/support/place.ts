/** A migrated database with Repostr on it, and users to try it with. */
import type { Answer } from '@tenantry/core'
import { tenantExecutor } from '@tenantry/rls'
import { createTestDatabase } from '@tenantry/testing'
import { repostr } from '../../src/index.ts'
import { migrations } from '../../src/migrations.ts'
import { tenancy } from '../../src/tenancy.ts'

export type Repostr = ReturnType<typeof repostr>
export type Scope = ReturnType<Repostr['as']>
type Plain = Record<string, unknown>

export async function repostrDatabase() {
  const created = await createTestDatabase({
    template: { key: 'repostr', sources: [migrations] },
    migrate: (database) => repostr(database).migrate(),
  })
  const { database } = created
  return {
    ...created,
    repostr: repostr(database),
    /** As the login: an owner or superuser, whom row security doesn't stop. */
    async rows<T extends object = Plain>(text: string, params: readonly unknown[] = []): Promise<T[]> {
      return objects<T>(await database.driver.query({ text, params }))
    },
    /** A statement of a user's own, as PostgREST would run it. */
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

export type Place = Awaited<ReturnType<typeof repostrDatabase>>

/** Rows by column, of the type that the caller's statement gives them. */
function objects<T extends object = Plain>({ columns, rows }: Answer): T[] {
  return rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at]])) as T)
}

let users = 0

/** A user of their own for one test, with a project. */
export async function user({ repostr: system }: Pick<Place, 'repostr'>) {
  users += 1
  const userId = `user_${process.pid}_${users}`
  const scope = system.as({ userId })
  const project = await scope.projects.create({ title: 'Q4 podcast' })
  return { userId, scope, project, service: system.asService().tenant(userId) }
}

export type User = Awaited<ReturnType<typeof user>>

export const NOBODY = '00000000-0000-4000-8000-000000000000'
