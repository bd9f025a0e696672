/** A migrated database with usegemz on it, and people to try it with. */
import { bindTenant } from '@tenantry/rls'
import { createTestSystem } from '@tenantry/testing'
import { jobClaims, usegemz } from '../../src/index.ts'
import type { SearchInput, SignUpInput } from '../../src/types.ts'

export async function gemsDatabase() {
  const created = await createTestSystem(usegemz)
  return {
    ...created,
    gems: created.system,
    /** A statement of a person's own, as PostgREST would run it. */
    rowsAs: <T extends object = Record<string, unknown>>(
      userId: string,
      text: string,
      params?: readonly unknown[],
    ) => created.rowsAs<T>({ userId }, text, params),
  }
}

export type GemsDatabase = Awaited<ReturnType<typeof gemsDatabase>>

let signedUp = 0

/** A person of their own for one test, who has signed up and may run nothing yet. */
export async function newcomer({ gems }: Pick<GemsDatabase, 'gems'>, input: Partial<SignUpInput> = {}) {
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

export type Person = Awaited<ReturnType<typeof newcomer>>

/** A person of their own for one test, who pays. */
export async function person(place: Pick<GemsDatabase, 'gems'>): Promise<Person> {
  const created = await newcomer(place)
  const profile = await created.service.profiles.syncSubscription({ subscriptionStatus: 'active' })
  return { ...created, profile }
}

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
