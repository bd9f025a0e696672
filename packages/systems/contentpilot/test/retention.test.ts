/** Document 7.1, table by table: what goes, at which age, where to, and what stays. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ArchiveStore, directoryArchive, placeHold } from '@tenantry/retention'
import { afterEach, describe, expect, test } from 'vitest'
import { contentpilot, defineContentpilot } from '../src/index.ts'
import { customer, pilotDatabase } from './support/pilot.ts'
import { setSubscription } from './support/plans.ts'

const folders: string[] = []
afterEach(() => folders.splice(0).forEach((folder) => rmSync(folder, { recursive: true })))

async function setup() {
  const place = await pilotDatabase()
  const folder = mkdtempSync(join(tmpdir(), 'contentpilot-archive-'))
  folders.push(folder)
  const store = directoryArchive(folder)
  const factory = defineContentpilot({ archive: store })
  const ann = await customer(place.pilot)
  /** Inserts rows of `n` days ago, as an importer would; answers the first one's id. */
  const aged = async (days: number, into: string, values: string, ...params: readonly unknown[]) => {
    const [row] = await place.rows<{ id: string }>(
      `insert into ${into.replace(')', ', user_id, created_at)')} values (${values}, '${ann.userId}', now() - interval '${days} days') returning id`,
      params,
    )
    return String(row?.id)
  }
  let made = 0
  const topic = (days: number) =>
    aged(days, 'classified_topics (pillar_id, content, ai_score)', `$1, 'topic', 80`, ann.pillar.id)
  return {
    ...place,
    store,
    factory,
    pilot: factory(place.database),
    ann,
    aged,
    topic,
    raw: (days: number, status: string) =>
      aged(days, 'raw_topics (source, content, status)', `'manual', 'raw', $1`, status),
    async draft(days: number, status: 'draft' | 'rejected' | 'posted', topicId: string) {
      // A row may begin as a draft, or as what was delivered.
      const id = await aged(
        days,
        'generated_drafts (topic_id, pillar_id, variant_letter, hook, body, full_text, status)',
        `$1, $2, $3, 'h', 'b', '', $4`,
        topicId,
        ann.pillar.id,
        'ABC'[made++ % 3],
        status === 'posted' ? 'posted' : 'draft',
      )
      if (status === 'rejected') await ann.scope.drafts.reject(id)
      return id
    },
    /** Dry run, then the run: the same numbers. */
    async apply(rule: string) {
      const [plan] = await factory.retention.plan(place.database, { rules: [rule] })
      const [report] = await factory.retention.run(place.database, { rules: [rule], anyShare: true })
      const planned = (plan?.phases ?? []).reduce((sum, { rows }) => sum + rows, 0)
      const [changed = 0] = Object.values(report?.changed ?? {})
      expect(changed + (report?.kept ?? 0)).toBe(planned)
      expect(report?.ended).toBe('done')
      return changed
    },
    ids: async (table: string) =>
      (await place.rows<{ id: string }>(`select id from ${table} order by created_at`)).map(({ id }) => id),
  }
}

describe('raw topics', () => {
  test('that are classified or archived go to the archive after 90 days, and come back as they were', async () => {
    await using test = await setup()
    const old = [await test.raw(91, 'archived'), await test.raw(90.1, 'classified')]
    const kept = [
      await test.raw(200, 'new'),
      await test.raw(150, 'processing'),
      await test.raw(89, 'archived'),
    ]
    const classified = await test.topic(10)
    await test.rows('update classified_topics set raw_topic_id = $1 where id = $2', [old[0], classified])
    const before = await test.rows('select * from raw_topics order by id')
    expect(await test.apply('raw_topics')).toBe(2)
    expect((await test.ids('raw_topics')).toSorted()).toEqual(kept.toSorted())
    // It outlives its raw topic.
    expect(await test.rows('select raw_topic_id from classified_topics')).toEqual([{ raw_topic_id: null }])
    expect(await test.factory.retention.restore(test.database, { rule: 'raw_topics' })).toMatchObject({
      restored: 2,
      altered: 0,
    })
    expect(await test.rows('select * from raw_topics order by id')).toEqual(before)
  })

  test('stay where the store lies about what it holds, and where it was given none', async () => {
    await using test = await setup()
    await test.raw(91, 'archived')
    const liar: ArchiveStore = {
      ...test.store,
      async get(key) {
        const object = await test.store.get(key)
        return object === null ? null : (async function* () {})()
      },
    }
    const options = { rules: ['raw_topics'], anyShare: true } as const
    await expect(
      test.factory.retention.run(test.database, { ...options, store: liar }),
    ).rejects.toMatchObject({
      name: 'ArchiveError',
    })
    await expect(contentpilot.retention.run(test.database, options)).rejects.toThrow('no store')
    await expect(contentpilot(test.database).runJob('retention raw_topics')).rejects.toThrow('no store')
    expect(await test.ids('raw_topics')).toHaveLength(1)
  })
})

describe('classified topics', () => {
  test('go to the archive after 180 days, but for those that a draft still needs', async () => {
    await using test = await setup()
    const drafted = await test.topic(400)
    await test.draft(300, 'posted', drafted)
    const pending = await test.topic(300)
    await test.draft(299, 'draft', pending)
    await test.topic(181)
    const young = await test.topic(179)
    expect(await test.apply('classified_topics')).toBe(1)
    expect(await test.ids('classified_topics')).toEqual([drafted, pending, young])
    expect(await test.ids('generated_drafts')).toHaveLength(2)
    expect(await test.factory.retention.restore(test.database, { rule: 'classified_topics' })).toMatchObject({
      restored: 1,
      altered: 0,
    })
  })

  test('are kept by a draft that comes while they are deleted; a customer may delete both', async () => {
    await using test = await setup()
    const topic = await test.topic(400)
    await test.draft(1, 'draft', topic)
    await test.rowsIn('tenantry_retention', null, 'delete from classified_topics where id = $1', [topic])
    expect(await test.ids('generated_drafts')).toHaveLength(1)
    await test.ann.scope.topics.remove(topic)
    expect(await test.ids('generated_drafts')).toEqual([])
  })
})

describe('drafts', () => {
  test('are deleted after 90 days if they were rejected; all others stay, posted ones for ever', async () => {
    await using test = await setup()
    const [one, other] = [await test.topic(100), await test.topic(100)]
    await test.draft(91, 'rejected', one)
    const kept = [
      await test.draft(400, 'posted', one),
      await test.draft(91, 'draft', one),
      await test.draft(89, 'rejected', other),
    ]
    expect(await test.apply('rejected_drafts')).toBe(1)
    expect((await test.ids('generated_drafts')).toSorted()).toEqual(kept.toSorted())
  })

  test('take their posts with them, and give none back', async () => {
    await using test = await setup()
    await setSubscription(test, test.ann.userId, { plan_type: 'starter', status: 'active', trial_end: null })
    const topic = await test.topic(100)
    const id = await test.draft(91, 'draft', topic)
    await test.ann.scope.drafts.approve(id)
    await test.ann.scope.drafts.reject(id)
    expect(await test.apply('rejected_drafts')).toBe(1)
    expect(await test.ann.scope.limits.usage()).toContainEqual(
      expect.objectContaining({ feature: 'posts', used: 1 }),
    )
  })
})

describe('audit logs', () => {
  test('go to the archive after a year and end after seven, by the role of retention alone', async () => {
    await using test = await setup()
    const entry = (days: number) =>
      test.aged(days, 'audit_logs (action, table_name, record_id)', `'create', 'pillars', gen_random_uuid()`)
    await entry(367)
    const young = await entry(364)
    const before = await test.rows('select * from audit_logs order by id')
    for (const role of ['tenantry_service', 'tenantry_tenant']) {
      await expect(test.rowsIn(role, test.ann.userId, 'delete from audit_logs')).rejects.toMatchObject({
        code: 'TENANTRY_ISOLATION',
      })
    }
    await expect(test.rows('delete from audit_logs')).rejects.toThrow('append-only')
    expect(await test.apply('audit_logs')).toBe(1)
    expect(await test.ids('audit_logs')).toEqual([young])
    expect(await test.factory.retention.restore(test.database, { rule: 'audit_logs' })).toMatchObject({
      restored: 1,
    })
    expect(await test.rows('select * from audit_logs order by id')).toEqual(before)

    // Its archive: six years more.
    expect(await test.apply('audit_logs_archive')).toBe(0)
    const age = (table: string) => [
      `alter table ${table} disable trigger refuse_archive_segments_change`,
      `update ${table} set created_at = now() - interval '6 years 1 hour'`,
      `alter table ${table} enable always trigger refuse_archive_segments_change`,
    ]
    for (const statement of age('tenantry.archive_segments')) await test.rows(statement)
    expect(await test.apply('audit_logs_archive')).toBe(1)
    const left: string[] = []
    for await (const { key } of test.store.list('')) left.push(key)
    expect(left).toEqual([])
  })
})

describe('usage', () => {
  test('of months older than two years becomes monthly sums, its partitions go, and no total changes', async () => {
    await using test = await setup()
    await test.rows(
      `select tenantry.ensure_partitions('public.usage_tracking', 3, (now() - interval '30 months')::date)`,
    )
    const { userId, scope, service } = test.ann
    await test.rows(
      `insert into usage_tracking (user_id, resource_type, cost_cents, created_at)
       select $1, case n % 3 when 0 then 'generation' else 'classification' end, n, now() - n * interval '10 days'
       from generate_series(1, 88) as n`,
      [userId],
    )
    await test.rows(
      `insert into usage_monthly
       select $1, 'generation', date_trunc('month', (now() - interval '28 months') at time zone 'UTC')::date, 5, 50`,
      [userId],
    )
    const partitions = () =>
      test.rows<{ n: number }>(
        `select count(*)::int as n from pg_inherits where inhparent = 'usage_tracking'::regclass`,
      )
    const [before, costs] = [await scope.usage.totals(), await service.limits.costByPlan()]
    const [{ n: months } = { n: 0 }] = await partitions()
    const [report] = await test.factory.retention.run(test.database, {
      rules: ['usage_tracking'],
      anyShare: true,
    })
    expect(report?.ended).toBe('done')
    expect(report?.changed['roll-up']).toBeGreaterThan(10)
    expect(report?.changed['drop-partition']).toBe(6)
    expect(await partitions()).toEqual([{ n: months - 6 }])
    expect(await scope.usage.totals()).toEqual(before)
    expect(await service.limits.costByPlan()).toEqual(costs)
    expect(
      await test.rows(
        `select count(*)::int as n from usage_tracking where created_at < now() - interval '25 months'`,
      ),
    ).toEqual([{ n: 0 }])
    // Nothing is left to do, and what is to come finds its partition.
    expect(await test.apply('usage_tracking')).toBe(0)
    await scope.usage.record({ resourceType: 'generation', costCents: 1 })
    expect(await test.pilot.verify()).toEqual([])
  })
})

describe('a legal hold', () => {
  test('on a customer keeps all of it, whatever its age, until it is released', async () => {
    await using test = await setup()
    const topic = await test.topic(400)
    await test.raw(400, 'archived')
    await test.draft(400, 'rejected', topic)
    await test.aged(
      800,
      'audit_logs (action, table_name, record_id)',
      `'create', 'pillars', gen_random_uuid()`,
    )
    const hold = { tenant: test.ann.userId, reason: 'matter 7', by: 'counsel' }
    await placeHold(test.pilot.serviceExecutor(), hold)
    for (const rule of ['rejected_drafts', 'classified_topics', 'raw_topics', 'audit_logs']) {
      expect(await test.apply(rule), rule).toBe(0)
    }
    await test.rows(
      `update tenantry.legal_holds set released_at = now(), released_by = 'counsel', release_reason = 'settled'`,
    )
    // In their order: the draft first, which kept its topic.
    for (const rule of ['rejected_drafts', 'classified_topics', 'raw_topics', 'audit_logs']) {
      expect(await test.apply(rule), rule).toBe(1)
    }
  })
})

describe('jobs', () => {
  test('are there for each rule, the dashboard, partitions and limits; nothing is in their way; users are in none', async () => {
    await using test = await setup()
    const jobs = contentpilot.definition.jobs.map(({ name, schedule }) => `${schedule} ${name}`)
    expect(jobs).toEqual([
      '17 3 * * * partitions of public.usage_tracking',
      '*/5 * * * * refresh user_dashboard_stats',
      '* * * * * limits-expire-holds',
      '17 3 * * * limits-forget-keys',
      '37 3 * * 0 limits-recount-pillars',
      '37 3 * * 0 limits-recount-voice_examples',
      '30 1 * * * retention rejected_drafts',
      '45 1 * * * retention classified_topics',
      '0 2 * * * retention raw_topics',
      '30 2 * * * retention audit_logs',
      '0 3 * * 0 retention audit_logs_archive',
      '0 4 * * * retention usage_tracking',
    ])
    expect(test.factory.definition.objects).toEqual(contentpilot.definition.objects)
    for (const { rule, blockers, warnings } of await test.factory.retention.plan(test.database)) {
      expect(blockers, rule).toEqual([])
      expect(warnings, rule).toEqual([])
    }
    for (let n = 0; n < 4; n += 1) await test.raw(10, 'archived')
    await test.raw(91, 'archived')
    for (const { name } of contentpilot.definition.jobs) await test.pilot.runJob(name)
    expect(await test.ids('raw_topics')).toHaveLength(4)
    expect(await test.ids('users')).toEqual([test.ann.userId])
  })
})
