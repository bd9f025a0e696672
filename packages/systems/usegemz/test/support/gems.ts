/** A migrated database with usegemz on it, and people to try it with. */
import type { Answer } from '@tenantry/core'
import { bindTenant, tenantExecutor } from '@tenantry/rls'
import { createTestDatabase } from '@tenantry/testing'
import { jobClaims, usegemz } from '../../src/index.ts'
import { migrations } from '../../src/migrations.ts'
import { tenancy } from '../../src/tenancy.ts'
import type { SearchInput, SignUpInput } from '../../src/types.ts'

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

let signedUp = 0

/** A person of their own for one test. */
export async function person({ gems }: Pick<GemsDatabase, 'gems'>, input: Partial<SignUpInput> = {}) {
  signedUp += 1
  const userId = `user_${process.pid}_${signedUp}`
  const { profile } = await gems.asService().profiles.signUp({ userId, ...input })
  return {
    userId: profile.userId,
    profile,
    scope: gems.as({ userId: profile.userId }),
    service: gems.asService().tenant(profile.userId),
  }
}

export type Person = Awaited<ReturnType<typeof person>>

export const byKeyword = {
  searchType: 'keyword',
  platform: 'TikTok',
  keywords: ['fitness'],
} satisfies SearchInput

/** A search of a person's, in a campaign of its own. */
export async function launched({ scope }: Pick<Person, 'scope'>, search: SearchInput = byKeyword) {
  return scope.campaigns.launch({ name: 'Spring', search })
}

/** The claim of a worker on a search of a person's. */
export async function claimed({ gems }: Pick<GemsDatabase, 'gems'>, { userId }: Pick<Person, 'userId'>) {
  const { claims } = await jobClaims.claim(bindTenant(gems.serviceExecutor(), userId))
  const [claim] = claims
  if (claim === undefined) throw new Error('There was nothing to claim')
  return claim
}

export const NOBODY = '00000000-0000-4000-8000-000000000000'
