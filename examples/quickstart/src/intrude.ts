/** One customer tries to reach another one's rows, in the ways that code has. What happens is reported as it is. */
import { generatedDrafts, pillars } from '@tenantry/contentpilot/schema'
import { TenantryError } from '@tenantry/core'
import { eq, inArray, sql } from 'drizzle-orm'
import type { CustomerScope } from './steps.ts'

export interface Attempt {
  readonly how: string
  /** Rows of the other customer that it read, changed, deleted or wrote. */
  readonly got: number
  /** Such as `0 of 12 rows`, or the name of the error. */
  readonly outcome: string
  /** What the error says. */
  readonly refusal?: string
}

interface Plan {
  readonly how: string
  readonly run: () => Promise<number>
  /** For what reads: how many rows there are to get. */
  readonly of?: number
}

/** `victim` only says what there is to take: an attempt on nothing would prove nothing. */
export async function intrude(intruder: CustomerScope, victim: CustomerScope): Promise<Attempt[]> {
  const loot = (await victim.drafts.list({ limit: 200 })).items
  const [draft] = loot
  const [example] = (await victim.voiceExamples.list({ limit: 1 })).items
  const [topic] = (await victim.topics.listByScore({ limit: 1 })).items
  if (draft === undefined || !example?.vectorEmbedding || topic === undefined) {
    throw new Error('There is nothing to take')
  }
  const embedding = example.vectorEmbedding
  const phrase = `"${topic.content.split(' ').slice(0, 8).join(' ')}"`
  const ids = loot.map(({ id }) => id)
  const { id, userId, pillarId } = draft
  const theirs = (rows: readonly { readonly userId: string }[]): number =>
    rows.filter((row) => row.userId === userId).length
  const { drafts, topics, voiceExamples, db } = intruder

  const reads: Plan[] = [
    { how: 'drafts.get(id)', of: 1, run: async () => theirs([await drafts.get(id)]) },
    {
      how: 'drafts.list({ where: { id } })',
      of: ids.length,
      run: async () => (await drafts.list({ where: { id: { in: ids } } })).items.length,
    },
    {
      how: 'topics.search(their words)',
      of: (await victim.topics.search(phrase)).length,
      run: async () => theirs(await topics.search(phrase)),
    },
    {
      how: 'voiceExamples.findSimilar(theirs)',
      of: (await victim.voiceExamples.findSimilar(embedding)).length,
      run: async () => theirs(await voiceExamples.findSimilar(embedding)),
    },
    {
      how: 'Drizzle: select without a where',
      of: ids.length,
      run: async () => theirs(await db.select().from(generatedDrafts)),
    },
    {
      how: 'SQL: select their drafts',
      of: ids.length,
      run: async () =>
        (await db.execute(sql`select id from generated_drafts where user_id = ${userId}`)).length,
    },
    {
      how: 'SQL: select their account',
      of: 1,
      run: async () => (await db.execute(sql`select email from users where id = ${userId}`)).length,
    },
  ]
  const writes: Plan[] = [
    { how: 'drafts.approve(id)', run: async () => theirs([await drafts.approve(id)]) },
    {
      how: 'drafts.generate() on their topic',
      run: async () => {
        const variants = [{ variantLetter: 'A', hook: 'Mine', body: 'Mine' }] as const
        return (await drafts.generate({ topicId: topic.id, variants: [...variants] })).length
      },
    },
    {
      how: 'Drizzle: update their drafts',
      run: async () => {
        const changes = { hook: 'Mine' }
        return (
          await db.update(generatedDrafts).set(changes).where(inArray(generatedDrafts.id, ids)).returning()
        ).length
      },
    },
    {
      how: 'Drizzle: delete their pillar',
      run: async () => (await db.delete(pillars).where(eq(pillars.id, pillarId)).returning()).length,
    },
    {
      how: 'SQL: insert a pillar as them',
      run: async () => {
        const insert = sql`insert into pillars (user_id, name, slug) values (${userId}, 'Mine', 'mine') returning id`
        return (await db.execute(insert)).length
      },
    },
  ]
  const attempts: Attempt[] = []
  for (const plan of [...reads, ...writes]) attempts.push(await attempt(plan))
  return attempts
}

async function attempt({ how, run, of }: Plan): Promise<Attempt> {
  try {
    const got = await run()
    return { how, got, outcome: of === undefined ? `${got} rows` : `${got} of ${of} rows` }
  } catch (error) {
    // Drizzle wraps what its own queries throw. A refusal is an answer; any other failure isn't an attempt.
    const refusal = error instanceof Error && error.cause instanceof TenantryError ? error.cause : error
    if (!(refusal instanceof TenantryError)) throw error
    return { how, got: 0, outcome: refusal.name, refusal: refusal.message }
  }
}
