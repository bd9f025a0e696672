import { createdAt, id, instant, type Job } from '@tenantry/core'
import { defineTenancy, tenancyObjects } from '@tenantry/rls'
import { describeOnServer } from '@tenantry/testing/vitest'
import { index, pgTable, uuid } from 'drizzle-orm/pg-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defineRetention, placeHold, retention } from '../src/index.ts'
import { moduleTableObjects } from './support/documents.ts'
import { createPlace, type Place } from './support/firm-place.ts'

const [ANNA, BERT] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b']

const people = pgTable('people', { id: id(), bornAt: instant('born_at') })
const sessions = pgTable(
  'sessions',
  {
    id: id(),
    userId: uuid('user_id')
      .notNull()
      .references(() => people.id),
    /** Called as a variable of a statement might be. */
    startedAt: instant('started_at'),
    createdAt: createdAt(),
  },
  (table) => [index('sessions_created').on(table.createdAt), index('sessions_user').on(table.userId)],
)
const schema = { people, sessions }
const tenancy = defineTenancy({
  kind: 'user-uuid',
  schema,
  tables: { people: { class: 'tenant', column: 'id' }, sessions: { class: 'tenant', column: 'userId' } },
})
const sessionRule = defineRetention(sessions, {
  age: { column: 'createdAt', days: 30 },
  action: 'delete',
  batch: { rows: 10, maxRows: 10 },
  floors: { maxFraction: 0.7 },
})
const peopleRule = defineRetention(people, { age: { column: 'bornAt', years: 100 }, action: 'delete' })
const rules = retention({
  rules: [sessionRule, peopleRule],
  schema,
  tenants: tenancy.tables,
  schedules: { sessions: '*/5 * * * *' },
})
const [job, refused] = rules.module.jobs as readonly [Job, Job]

let place: Place
beforeEach(async () => {
  place = await createPlace('sessions', {
    schema,
    module: rules.module,
    objects: [...tenancyObjects(tenancy), ...rules.module.objects, ...moduleTableObjects(rules.module)],
  })
  await place.raw(`insert into people (id) values ('${ANNA}'), ('${BERT}')`)
  await place.raw(
    `insert into sessions (user_id, created_at)
     select case when n % 2 = 0 then '${ANNA}'::uuid else '${BERT}' end, now() - n * interval '1 day' from generate_series(1, 80) as n`,
  )
})
afterEach(() => place.close())

const left = async () =>
  (await place.raw('select user_id::text, count(*)::int from sessions group by 1 order by 1')).map((row) => [
    ...row,
  ])
const asSql = () => place.database.driver.session((connection) => connection.script(job.sql ?? ''))
const asJob = () => place.database.driver.session((connection) => job.run(connection))

describe('jobs of rules', () => {
  it('are one for each, at its own time or at night; only what SQL alone can do is SQL', () => {
    expect(rules.module.jobs?.map(({ name, schedule, sql }) => [name, schedule, sql !== undefined])).toEqual([
      ['retention sessions', '*/5 * * * *', true],
      // Sessions refer to people, and would hold some of them in place.
      ['retention people', '30 3 * * *', false],
    ])
    expect(refused.description).toContain('public.people')
  })

  it('run the rule in the session that they are handed', async () => {
    expect(await asJob()).toMatchObject({ changed: 51, message: 'sessions: done, 51 rows changed, 0 left' })
    expect(await asJob()).toMatchObject({ changed: 0 })
  })
})

describe('the statement for pg_cron', () => {
  it('deletes what the run would, in batches that it notes, and ends its run', async () => {
    await asSql()
    expect(await left()).toEqual([
      [ANNA, 14],
      [BERT, 15],
    ])
    expect(await place.raw('select changed from tenantry.retention_batches order by changed desc')).toEqual(
      [10, 10, 10, 10, 10, 1].map((changed) => [changed]),
    )
    expect(await place.raw('select finished_at is not null from tenantry.retention_runs')).toEqual([[true]])
    expect(await asJob()).toMatchObject({ changed: 0 })
  })

  it('keeps what a hold reaches', async () => {
    await placeHold(place.service, { table: people, row: { id: ANNA }, reason: 'matter 12', by: 'counsel' })
    await asSql()
    expect(await left()).toEqual([
      [ANNA, 40],
      [BERT, 15],
    ])
  })

  it('takes no more than the rule’s share', async () => {
    await place.raw(`delete from sessions where created_at > now() - interval '20 days'`)
    await expect(asSql()).rejects.toMatchObject({
      cause: { message: expect.stringContaining('more than 0.7') },
    })
    expect(await place.value('select count(*)::int from sessions')).toBe(61)
  })

  it.each(['sessions', 'people'])('is refused where a policy hides rows of %s', async (table) => {
    const column = table === 'people' ? 'id' : 'user_id'
    await place.raw(`create policy own on ${table} as restrictive using (${column} = '${ANNA}')`)
    await expect(asSql()).rejects.toMatchObject({
      cause: { message: expect.stringContaining('row security hides rows of "public"."' + table) },
    })
    expect(await place.value('select count(*)::int from sessions')).toBe(80)
    // It didn't keep the rule to itself.
    await place.raw(`drop policy own on ${table}`)
    await asSql()
    expect(await place.value('select count(*)::int from sessions')).toBe(29)
  })

  it('leaves a rule that a worker has to that worker, and goes on with a run that was left', async () => {
    await place.raw(
      `insert into tenantry.retention_leases (rule, fence, expires_at) values ('sessions', 7, now() + interval '1 hour')`,
    )
    await asSql()
    expect(await place.value('select count(*)::int from sessions')).toBe(80)
    await place.raw(`update tenantry.retention_leases set expires_at = now()`)
    await place.raw(
      `insert into tenantry.retention_runs (rule, relation, action, cutoff) values ('sessions', 'public.sessions', 'delete', now() - interval '70 days')`,
    )
    await asSql()
    // By the cut-off of the run that was left; the next run takes the rest.
    expect(await place.value('select count(*)::int from sessions')).toBe(69)
    await asSql()
    expect(await place.value('select count(*)::int from sessions')).toBe(29)
  })
})

describe('a run that was left', () => {
  it('takes no more than its share, with what it took before', async () => {
    const cutoff = `now() - interval '30 days'`
    await place.raw(
      `insert into tenantry.retention_runs (rule, relation, action, cutoff) values ('sessions', 'public.sessions', 'delete', ${cutoff})`,
    )
    await place.raw(
      `insert into tenantry.retention_batches (run_id, fence, effect, changed) select id, 1, 'delete', 100 from tenantry.retention_runs`,
    )
    // 51 and 100 of 180.
    await expect(asSql()).rejects.toMatchObject({
      cause: { message: expect.stringContaining('more than 0.7') },
    })
    expect(await place.value('select count(*)::int from sessions')).toBe(80)
  })
})

describeOnServer('beside others', () => {
  it('a hold that is placed between two batches wins', async () => {
    await place.raw(
      `create function public.slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.02); return old; end $$`,
    )
    await place.raw('create trigger slow before delete on sessions for each row execute function slow()')
    const running = asSql()
    await expect
      .poll(() => place.value('select count(*)::int from tenantry.retention_batches'))
      .toBeGreaterThan(0)
    await placeHold(place.service, { tenant: ANNA, reason: 'matter 12', by: 'counsel' })
    const held = await left()
    await running
    expect((await left())[0]).toEqual(held[0])
    expect((await left())[1]).toEqual([BERT, 15])
  })
})
