/** A migrated database with ContentPilot on it, and customers to try it with. */
import { randomBytes } from 'node:crypto'
import { type Answer, connect, type Database } from '@tenantry/core'
import { createTestSystem } from '@tenantry/testing'
import { contentpilot } from '../../src/index.ts'
import { EMBEDDING_DIMENSIONS, type PlanType } from '../../src/types.ts'

export type Pilot = ReturnType<typeof contentpilot>
export type Scope = ReturnType<Pilot['as']>
type Plain = Record<string, unknown>

export async function pilotDatabase() {
  const created = await createTestSystem(contentpilot)
  const { database } = created
  return {
    ...created,
    pilot: created.system,
    /** In a transaction of a role, with what the session's context says; null: nothing was set. */
    async rowsIn(
      role: string,
      context: string | null,
      text: string,
      params: readonly unknown[] = [],
    ): Promise<Plain[]> {
      return database.driver.transaction({}, async (connection) => {
        if (context !== null) {
          await connection.query({
            text: `select set_config('app.current_user_id', $1, true)`,
            params: [context],
          })
        }
        await connection.query({ text: `select set_config('role', $1, true)`, params: [role] })
        return objects(await connection.query({ text, params }))
      })
    },
    /** A statement of a customer's own, as PostgREST would run it. */
    rowsAs: (userId: string, text: string, params?: readonly unknown[]) =>
      created.rowsAs({ userId }, text, params),
  }
}

export type PilotDatabase = Awaited<ReturnType<typeof pilotDatabase>>

/** Rows by column, of the type that the caller's statement gives them. */
function objects<T extends object = Plain>({ columns, rows }: Answer): T[] {
  return rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at]])) as T)
}

/** Connects as an application should: as a login that owns nothing and may act as tenant and service. */
export async function withLogin<T>(
  place: PilotDatabase,
  run: (database: Database) => Promise<T>,
): Promise<T> {
  const login = `contentpilot_app_${randomBytes(5).toString('hex')}`
  await place.rows(`create role ${login} login password 'app'`)
  try {
    await place.rows(`grant tenantry_tenant to ${login} with inherit true, set true`)
    await place.rows(`grant tenantry_service to ${login} with inherit false, set true`)
    const url = new URL(place.url)
    url.username = login
    url.password = 'app'
    const database = await connect(url.href)
    return await run(database).finally(() => database.close())
  } finally {
    await place.rows(`drop role ${login}`)
  }
}

let signedUp = 0

/** A customer of their own for one test, with a pillar. The largest plan, where a test isn't about plans. */
export async function customer(pilot: Pilot, planType: PlanType = 'agency') {
  signedUp += 1
  const account = await pilot.asService().users.signUp({
    clerkId: `clerk_${process.pid}_${signedUp}`,
    email: `customer-${process.pid}-${signedUp}@example.com`,
    planType,
  })
  const userId = account.user.id
  const scope = pilot.as({ userId })
  const pillar = await scope.pillars.define({ name: 'Founder Journey' })
  return { userId, account, scope, pillar, service: pilot.asService().tenant(userId) }
}

export type Customer = Awaited<ReturnType<typeof customer>>

/** A customer, or as much of one as is bound to another executor. */
export interface Author {
  readonly scope: Pick<Scope, 'rawTopics' | 'topics' | 'drafts'>
  readonly pillar: { readonly id: string }
}

/** A classified topic, from a raw one. */
export async function topicOf(
  { scope, pillar }: Author,
  content = 'Hiring the first engineer',
  aiScore = 80,
) {
  const raw = await scope.rawTopics.discover({ source: 'manual', content })
  return scope.topics.classify({ rawTopicId: raw.id, pillarId: pillar.id, aiScore })
}

/** A draft of a topic of its own, in a state. */
export async function draftOf(
  of: Author,
  status: 'draft' | 'approved' | 'rejected' | 'scheduled' | 'posted' = 'draft',
) {
  const topic = await topicOf(of)
  const { drafts } = of.scope
  const [draft] = await drafts.generate({ topicId: topic.id, variants: [variant('A')] })
  if (draft === undefined) throw new Error('no draft')
  if (status === 'draft') return draft
  if (status === 'rejected') return drafts.reject(draft.id)
  const approved = await drafts.approve(draft.id)
  if (status === 'approved') return approved
  return status === 'posted'
    ? drafts.publish(draft.id)
    : drafts.schedule(draft.id, { scheduledFor: tomorrow() })
}

export function variant(variantLetter: 'A' | 'B' | 'C', hook = `Hook ${variantLetter}`) {
  return { variantLetter, hook, body: 'Body', cta: 'Ask me', hashtags: '#one #two' }
}

export const tomorrow = (): Date => new Date(Date.now() + 24 * 3_600_000)

/** A vector that points mostly along one axis; embeddings of the same axis are near each other. */
export function embedding(axis: number, lean = 0): number[] {
  const values = Array.from({ length: EMBEDDING_DIMENSIONS }, () => 0)
  values[axis] = 1
  values[axis + 1] = lean
  return values
}

export const NOBODY = '00000000-0000-4000-8000-000000000000'
