/** Customers on plans, drafts by the dozen, and the one clock of all limits. */
import { customer, type PilotDatabase } from './pilot.ts'

/** Drafts of topics of their own, in no time. */
export async function manyDrafts(
  place: PilotDatabase,
  { userId, pillar }: { readonly userId: string; readonly pillar: { readonly id: string } },
  count: number,
): Promise<string[]> {
  const rows = await place.rows<{ id: string }>(
    `with topics as (
       insert into classified_topics (user_id, pillar_id, content, ai_score)
       select $1::uuid, $2::uuid, 'topic ' || n, 80 from generate_series(1, $3::integer) as n returning id
     )
     insert into generated_drafts (user_id, topic_id, pillar_id, variant_letter, hook, body, full_text)
     select $1, topics.id, $2, 'A', 'hook', 'body', '' from topics returning id`,
    [userId, pillar.id, count],
  )
  return rows.map(({ id }) => id)
}

/** Moves the clock of limits, for this database; null: it is the server's again. */
export async function setClock(place: PilotDatabase, at: string | null): Promise<void> {
  const now = at === null ? 'pg_catalog.statement_timestamp()' : `timestamptz '${at}'`
  await place.rows(
    `create or replace function tenantry.limit_clock() returns timestamptz language sql stable as $$ select ${now} $$`,
  )
}

/** A customer with what the billing provider says of them. */
export async function subscribed(
  place: PilotDatabase,
  columns: Readonly<Record<string, string | boolean | null>> = {},
) {
  const someone = await customer(place.pilot)
  await setSubscription(place, someone.userId, {
    status: 'active',
    plan_type: 'starter',
    trial_end: null,
    ...columns,
  })
  return someone
}

export async function setSubscription(
  place: PilotDatabase,
  userId: string,
  columns: Readonly<Record<string, string | boolean | null>>,
): Promise<void> {
  const names = Object.keys(columns)
  await place.rows(
    `update subscriptions set ${names.map((name, at) => `${name} = $${at + 2}`).join(', ')} where user_id = $1`,
    [userId, ...Object.values(columns)],
  )
}

/** What is used of a feature now, by the usage verb. */
export async function used(
  { scope }: Pick<Awaited<ReturnType<typeof customer>>, 'scope'>,
  feature: string,
): Promise<number | undefined> {
  return (await scope.limits.usage()).find((each) => each.feature === feature)?.used
}
