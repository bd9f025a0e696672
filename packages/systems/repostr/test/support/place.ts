/** A migrated database with Repostr on it, and users to try it with. */
import { createTestSystem } from '@tenantry/testing'
import { repostr } from '../../src/index.ts'

export type Scope = ReturnType<ReturnType<typeof repostr>['as']>

export async function repostrDatabase() {
  const created = await createTestSystem(repostr)
  return {
    ...created,
    repostr: created.system,
    /** A statement of a user's own, as PostgREST would run it. */
    rowsAs: <T extends object = Record<string, unknown>>(
      userId: string,
      text: string,
      params?: readonly unknown[],
    ) => created.rowsAs<T>({ userId }, text, params),
  }
}

export type Place = Awaited<ReturnType<typeof repostrDatabase>>

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
