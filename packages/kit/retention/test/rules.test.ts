/** What a rule may say, what it does for every kind of age and action, and what refuses it. */
import { id, instant } from '@tenantry/core'
import { appendOnly } from '@tenantry/ddl'

import { integer, pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import { describe, expect, it } from 'vitest'
import { describeOnServer } from '@tenantry/testing/vitest'
import { ConfigurationError } from '@tenantry/core'
import { defineRetention, directoryArchive, retention, RetentionRefusedError } from '../src/index.ts'
import { documents, events, notes, objectsFor } from './support/documents.ts'
import { every } from './support/every-rule.ts'
import { ALICE, BOB, seedDocuments, setup, type Setup } from './support/setup.ts'

describe('a rule is refused when it is declared', () => {
  const age = { column: 'createdAt', days: 30 } as const
  const keyless = pgTable('keyless', { createdAt: instant('created_at'), n: integer('n') })
  const odd = pgTable('odd', { id: id(), since: text('since'), at: timestamp('at'), n: integer('n') })

  it.each<readonly [string, () => unknown, RegExp]>([
    [
      'with an age of 0 days',
      () => defineRetention(documents, { age: { column: 'createdAt', days: 0 }, action: 'delete' }),
      /days/,
    ],
    [
      'without an age',
      () => defineRetention(documents, { age: { column: 'createdAt' }, action: 'delete' }),
      /exactly one/,
    ],
    [
      'with two ages',
      () => defineRetention(documents, { age: { ...age, hours: 5 }, action: 'delete' }),
      /exactly one/,
    ],
    [
      'on a column that is missing',
      () => defineRetention(documents, { age: { column: 'gone' as 'createdAt', days: 1 }, action: 'delete' }),
      /has no column gone/,
    ],
    [
      'on a table without a primary key',
      () => defineRetention(keyless, { age, action: 'delete' }),
      /no primary key/,
    ],
    [
      'on text whose kind is not said',
      () => defineRetention(odd, { age: { column: 'since', days: 1 }, action: 'delete' }),
      /must be said/,
    ],
    [
      'on a number that would be text',
      () => defineRetention(odd, { age: { column: 'n', days: 1, kind: 'iso-text' }, action: 'delete' }),
      /can't hold iso-text/,
    ],
    [
      'below its own floor',
      () => defineRetention(documents, { age, action: 'delete', floors: { minimumDays: 31 } }),
      /below its floor/,
    ],
    [
      'with a share above the whole',
      () => defineRetention(documents, { age, action: 'delete', floors: { maxFraction: 2 } }),
      /maxFraction/,
    ],
    [
      'anonymising a column that must have a value with none',
      () =>
        defineRetention(notes, {
          age,
          action: { kind: 'anonymise', set: { body: null }, marker: 'anonymisedAt' },
        }),
      /NOT NULL/,
    ],
    [
      'marking in a column that is always set',
      () =>
        defineRetention(notes, {
          age,
          action: { kind: 'soft-delete-then-purge', column: 'createdAt', purgeAfterDays: 5 },
        }),
      /NOT NULL/,
    ],
    [
      'with an option that there is not',
      () => defineRetention(documents, { age, action: 'delete', floor: {} } as never),
      /floor/,
    ],
  ])('%s', (_what, declare, message) => {
    expect(declare).toThrow(ConfigurationError)
    expect(declare).toThrow(message)
  })
})

async function seedNotes(test: Setup, old: number, young: number): Promise<void> {
  await test.raw(`
insert into notes (user_id, body, created_at)
select case when n % 2 = 0 then '${ALICE}'::uuid else '${BOB}'::uuid end, 'note ' || n,
  now() - case when n <= ${old} then interval '40 days' else interval '1 day' end - n * interval '1 minute'
from generate_series(1, ${old + young}) as n`)
}

describeOnServer('a plan', () => {
  it('says of what archives that it has no store, and of nothing else', async () => {
    await using test = await setup(every, 'every')
    const lacking = (plans: Awaited<ReturnType<typeof every.plan>>) =>
      plans.filter(({ warnings }) => warnings.some(({ code }) => code === 'no-store')).map(({ rule }) => rule)
    const archiving = every.rules.filter(({ action }) => action.archives).map(({ name }) => name)
    expect(archiving).not.toEqual([])
    expect(lacking(await every.plan(test.database))).toEqual(archiving)
    const stored = retention({ rules: every.rules, store: directoryArchive(test.folder) })
    expect(lacking(await stored.plan(test.database))).toEqual([])
  })

  it('says what a run does, to the row', async () => {
    await using test = await setup(every, 'every')
    await seedNotes(test, 300, 100)
    await test.raw(`
insert into events (user_id, sequence, iso_at, epoch_ms, plain_at)
select '${ALICE}', n, to_char(now() + interval '1 hour' - n * interval '1 day', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
  extract(epoch from now() + interval '1 hour' - n * interval '1 day') * 1000, now() at time zone 'UTC' + interval '1 hour' - n * interval '1 day'
from generate_series(1, 100) as n`)
    await seedDocuments(test, 50, 60)
    const plans = await every.plan(test.database)
    for (const plan of plans) {
      // Each rule alone: they share tables.
      const [now] = await every.plan(test.database, { rules: [plan.rule] })
      const [report] = await every.run(test.database, {
        rules: [plan.rule],
        store: directoryArchive(test.folder),
      })
      const planned = Object.fromEntries((now?.phases ?? []).map(({ effect, rows }) => [effect, rows]))
      expect([plan.rule, report?.changed]).toEqual([plan.rule, planned])
      const [after] = await every.plan(test.database, { rules: [plan.rule] })
      expect(after?.phases.filter(({ effect }) => effect !== 'purge').every(({ rows }) => rows === 0)).toBe(
        true,
      )
    }
    expect(plans.find(({ rule }) => rule === 'events-text')).toMatchObject({
      phases: [{ rows: 40 }],
      warnings: [{ code: 'missing-index' }],
    })
    expect(plans.find(({ rule }) => rule === 'events-epoch')).toMatchObject({
      phases: [{ rows: 10 }],
      warnings: [],
    })
    expect(plans.find(({ rule }) => rule === 'events-plain')).toMatchObject({
      phases: [{ rows: 20 }],
      warnings: [{ code: 'missing-index', remedy: expect.stringContaining('"plain_at"') as string }],
    })
  })

  it('runs where nothing can be written', async () => {
    await using test = await setup(every, 'every')
    await seedNotes(test, 10, 10)
    const plans = await every.plan({
      ...test.database.driver,
      transaction: (options, run) => test.database.driver.transaction({ ...options, readOnly: true }, run),
    })
    expect(plans).toHaveLength(every.rules.length)
  })
})

describeOnServer('a floor', () => {
  it('refuses a run that would take too large a share, unless that run is allowed it', async () => {
    await using test = await setup(every, 'every')
    await seedNotes(test, 95, 5)
    const [plan] = await every.plan(test.database, { rules: ['notes'] })
    expect(plan?.blockers).toMatchObject([{ code: 'share' }])
    await expect(every.run(test.database, { rules: ['notes'] })).rejects.toThrow(RetentionRefusedError)
    expect(await test.count('notes')).toBe(100)
    expect(await test.count('tenantry.retention_runs')).toBe(0)
    expect(await every.run(test.database, { rules: ['notes'], anyShare: true })).toMatchObject([
      { changed: { delete: 95 } },
    ])
  })

  it("a host's policy lengthens a rule, pauses it, and shortens it down to the floor and no further", async () => {
    await using test = await setup(every, 'every')
    await test.raw(`
insert into notes (user_id, body, created_at)
select '${ALICE}', 'note', now() - n * interval '1 day' + interval '1 hour' from generate_series(1, 100) as n`)
    await test.raw(`create table policies (rule text primary key, days integer, paused boolean)`)
    await test.raw(`grant select on policies to tenantry_retention`)
    const planned = async (days: number | null, paused = false) => {
      await test.raw(
        `insert into policies values ('notes', $1, $2) on conflict (rule) do update set days = excluded.days, paused = excluded.paused`,
        days,
        paused,
      )
      const [plan] = await every.plan(test.database, { rules: ['notes'] })
      return plan?.phases[0]?.rows
    }
    expect(await planned(null)).toBe(70)
    expect(await planned(60)).toBe(40)
    // The floor is 10 days.
    expect(await planned(20)).toBe(80)
    expect(await planned(1)).toBe(90)
    expect(await planned(0)).toBe(90)
    expect(await planned(-5)).toBe(90)
    await planned(null, true)
    expect(await every.run(test.database, { rules: ['notes'] })).toMatchObject([
      { ended: 'paused', changed: {} },
    ])
    expect(await test.count('notes')).toBe(100)
  })
})

describeOnServer('an action', () => {
  it('soft-delete-then-purge marks, and deletes only what has carried the mark for long enough', async () => {
    await using test = await setup(every, 'every')
    await seedNotes(test, 50, 50)
    await test.raw(
      `update notes set deleted_at = now() - interval '20 days' where body in ('note 1', 'note 99')`,
    )
    await test.raw(`update notes set deleted_at = now() - interval '2 days' where body = 'note 98'`)
    const [first] = await every.run(test.database, { rules: ['notes-purge'] })
    expect(first?.changed).toEqual({ purge: 2, 'soft-delete': 49 })
    expect(await test.count('notes where deleted_at is null')).toBe(48)
    const [again] = await every.run(test.database, { rules: ['notes-purge'] })
    expect(again?.changed).toEqual({ purge: 0, 'soft-delete': 0 })
  })

  it('anonymise writes over once, and only what it may', async () => {
    await using test = await setup(every, 'every')
    await seedNotes(test, 50, 50)
    const [first] = await every.run(test.database, { rules: ['notes-anonymous'] })
    expect(first?.changed).toEqual({ anonymise: 50 })
    expect(await test.count(`notes where body = 'removed' and anonymised_at is not null`)).toBe(50)
    expect(await every.run(test.database, { rules: ['notes-anonymous'] })).toMatchObject([{ changed: {} }])
    await expect(
      test.database.driver.transaction({}, async (connection) => {
        await connection.script('set local role tenantry_retention')
        await connection.query({ text: `update notes set user_id = '${ALICE}'`, params: [] })
      }),
    ).rejects.toThrow(/refused the access/)
  })

  it('keepLast leaves the newest of each parent, whatever their age', async () => {
    await using test = await setup(every, 'every')
    await test.raw(`
insert into notes (user_id, body, created_at)
select case when n % 10 = 0 then '${ALICE}'::uuid else '${BOB}'::uuid end, n::text, now() - interval '1 year' - n * interval '1 day'
from generate_series(1, 100) as n`)
    await every.run(test.database, { rules: ['notes-last'] })
    const left = await test.raw(
      `select user_id::text, array_agg(body::int order by body::int)::text from notes group by 1 order by 1`,
    )
    expect(left).toEqual([
      [ALICE, '{10,20,30}'],
      [BOB, '{1,2,3}'],
    ])
  })

  it('reaches rows of an append-only table, which nobody else may delete', async () => {
    await using test = await setup(every, 'every')
    await test.raw(`
insert into events (user_id, sequence, iso_at, epoch_ms, plain_at)
select '${ALICE}', n, '', case when n <= 7 then 0 else extract(epoch from now()) * 1000 end, now()
from generate_series(1, 10) as n`)
    for (const { create } of appendOnly([events])) for (const statement of create) await test.raw(statement)
    await expect(test.raw('delete from events')).rejects.toThrow(/append-only/)
    expect(await every.run(test.database, { rules: ['events-epoch'] })).toMatchObject([
      { changed: { delete: 7 } },
    ])
    expect(await test.count('events')).toBe(3)
  })

  it('goes through partitions as through one table, and says when they are by another column', async () => {
    await using test = await setup(every, 'every')
    await test.raw('drop table events')
    await test.raw(`
create table events (
  user_id uuid, sequence int, iso_at text not null, epoch_ms bigint not null, plain_at timestamp not null,
  primary key (user_id, sequence)
) partition by hash (user_id)`)
    for (const n of [0, 1, 2])
      await test.raw(
        `create table events_${n} partition of events for values with (modulus 3, remainder ${n})`,
      )
    await test.raw('create index on events (epoch_ms)')
    await test.raw('grant select, delete on events to tenantry_retention')
    await test.raw(`
insert into events (user_id, sequence, iso_at, epoch_ms, plain_at)
select gen_random_uuid(), n, '', case when n <= 300 then n else extract(epoch from now()) * 1000 end, now()
from generate_series(1, 400) as n`)
    const [plan] = await every.plan(test.database, { rules: ['events-epoch'] })
    expect(plan).toMatchObject({
      tableRows: 400,
      phases: [{ rows: 300 }],
      warnings: [{ code: 'partition-key' }],
    })
    expect(await every.run(test.database, { rules: ['events-epoch'] })).toMatchObject([
      { changed: { delete: 300 }, kept: 0 },
    ])
    expect(await test.count('events')).toBe(100)
  })

  it('that fails does not keep the others from running', async () => {
    await using test = await setup(every, 'every')
    await seedNotes(test, 95, 5)
    await expect(every.run(test.database, { rules: ['notes', 'notes-anonymous'] })).rejects.toThrow(
      /would take 95/,
    )
    expect(await test.count('notes where anonymised_at is not null')).toBe(95)
  })

  it('text that is no time keeps its row, and the plan says so', async () => {
    await using test = await setup(every, 'every')
    await test.raw(`
insert into events (user_id, sequence, iso_at, epoch_ms, plain_at)
select '${ALICE}', row_number() over (), iso, 0, now()
from unnest(array['2001-01-01', '2001-01-01T10:00:00+02:00', '2001-99-99', 'yesterday', '-infinity', '']) as iso`)
    const [plan] = await every.plan(test.database, { rules: ['events-text'] })
    expect(plan).toMatchObject({ phases: [{ rows: 2 }] })
    expect(plan?.warnings.find(({ code }) => code === 'unreadable-age')?.message).toMatch(/^4 rows/)
    await every.run(test.database, { rules: ['events-text'] })
    expect(await test.count('events')).toBe(4)
  })

  it('archive-then-delete is refused where rows of others would go with these unarchived', async () => {
    await using test = await setup(every, 'every')
    await seedDocuments(test, 10)
    await test.raw(
      `create table pages (id int primary key, user_id uuid, document uuid, foreign key (user_id, document) references documents (user_id, id) on delete cascade)`,
    )
    await expect(
      every.run(test.database, { rules: ['documents'], store: directoryArchive(test.folder) }),
    ).rejects.toThrow(/would change rows of public.pages/)
    expect(await test.count('documents')).toBe(10)
  })
})

describe('what a rule is granted', () => {
  it('is no more than it needs', () => {
    const granted = objectsFor(every.module).filter(({ id }) =>
      /^grants on public\..* to tenantry_retention$/.test(id),
    )
    expect(Object.fromEntries(granted.map((object) => [object.id.split(' ')[2], object.create]))).toEqual({
      'public.documents': [`grant select, delete on table "public"."documents" to "tenantry_retention"`],
      'public.notes': [
        `grant select, update ("deleted_at", "body", "anonymised_at"), delete on table "public"."notes" to "tenantry_retention"`,
      ],
      'public.events': [`grant select, delete on table "public"."events" to "tenantry_retention"`],
    })
  })
})
