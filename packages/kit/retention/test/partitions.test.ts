import type { Driver } from '@tenantry/core'
import { connect } from '@tenantry/core'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  placeHold,
  planPartitions,
  readGraph,
  releaseHold,
  type RetireOptions,
  retirePartitions,
} from '../src/index.ts'
import { createPlace, type Place } from './support/firm-place.ts'
import { objects, rules, schema, tenants, usage } from './support/metered.ts'

const CUSTOMER = '00000000-0000-4000-8000-00000000000c'

let place: Place
beforeEach(async () => {
  place = await createPlace('metered', { schema, objects, module: rules.module })
  await place.raw(`insert into customers values ('${CUSTOMER}')`)
  await place.raw(
    `insert into usage (customer_id, resource, cost_cents, created_at)
     select '${CUSTOMER}', 'call', n, timestamptz '2026-01-10Z' + make_interval(months => n % 3, hours => n)
     from generate_series(0, 29) as n`,
  )
})
let cleanUp: (() => Promise<void>) | undefined
afterEach(async () => {
  await cleanUp?.()
  cleanUp = undefined
  await place.close()
})

/** January to March 2026 have ten rows each; by default February ends before the moment. */
const retire = async (options: Partial<RetireOptions> = {}, driver: Driver = place.database.driver) =>
  retirePartitions(driver, {
    table: usage,
    before: '2026-03-01T00:00:00Z',
    contents: 'discard',
    graph: await readGraph(place.database.driver, { tenants }),
    ...options,
  })

const rowsByMonth = async () =>
  Object.fromEntries(
    await place.raw(
      `select to_char(created_at at time zone 'UTC', 'YYYY-MM'), count(*)::int from usage group by 1 order by 1`,
    ),
  ) as Record<string, number>

const children = async () =>
  (
    await place.raw(
      `select inhrelid::regclass::text from pg_inherits where inhparent = 'usage'::regclass order by 1`,
    )
  ).map(([name]) => name)

/** An archive that keeps what it read through the table, as the real one does. */
function archive() {
  const calls: string[] = []
  const ids = new Set<unknown>()
  return {
    calls,
    ids,
    contents: async ({ label, from, to }: { label: string; from: string | null; to: string | null }) => {
      calls.push(label)
      const rows = await place.raw(
        `select id from usage where created_at >= $1 and created_at < $2`,
        from,
        to,
      )
      for (const [id] of rows) ids.add(id)
      return { rows: rows.length, segments: [] }
    },
  }
}

const insertInto = (month: string) =>
  place.raw(
    `insert into usage (customer_id, resource, created_at) values ('${CUSTOMER}', 'late', '${month}-20T00:00:00Z') returning id`,
  )

describe('retiring', () => {
  it('drops the months that have ended before, and no other', async () => {
    expect(await retire()).toEqual([
      { partition: 'public.usage_2026_01', outcome: 'dropped' },
      { partition: 'public.usage_2026_02', outcome: 'dropped' },
    ])
    expect(await rowsByMonth()).toEqual({ '2026-03': 10 })
    expect(await place.value(`select to_regclass('usage_2026_01')`)).toBeNull()
  })

  it('goes by the bounds in the catalog, whatever the names and the time zone of the session', async () => {
    await place.raw('alter table usage_2026_01 rename to march_really')
    await place.raw('alter table usage_2026_03 rename to usage_2026_01')
    await place.raw(
      `alter database ${String(await place.value('select current_database()'))} set timezone to 'Asia/Tokyo'`,
    )
    const other = await connect(place.url)
    expect(await retire({ before: '2026-02-01T00:00:00Z' }, other.driver)).toEqual([
      { partition: 'public.march_really', outcome: 'dropped' },
    ])
    await other.close()
    expect(await rowsByMonth()).toEqual({ '2026-02': 10, '2026-03': 10 })
  })

  it('takes times without a zone as UTC, whatever the zone of the session', async () => {
    await place.raw(`create table plain (at timestamp not null) partition by range (at)`)
    await place.raw(
      `create table plain_january partition of plain for values from ('2026-01-01') to ('2026-02-01')`,
    )
    await place.raw('grant select on plain to tenantry_service')
    await place.raw(
      `alter database ${String(await place.value('select current_database()'))} set timezone to 'Asia/Tokyo'`,
    )
    const other = await connect(place.url)
    const plain = { table: { name: 'plain' } }
    // January has ended in Tokyo, and not yet in UTC.
    expect(await retire({ ...plain, before: '2026-01-31T20:00:00Z' }, other.driver)).toEqual([])
    expect(await retire({ ...plain, before: '2026-02-01T00:00:00Z' }, other.driver)).toEqual([
      { partition: 'public.plain_january', outcome: 'dropped' },
    ])
    await other.close()
  })

  it('plans what it would do, and writes nothing', async () => {
    const planned = await planPartitions(place.database.driver, {
      table: usage,
      before: '2026-02-15T00:00:00Z',
    })
    expect(planned.map(({ label, from, to }) => [label, from, to])).toEqual([
      ['public.usage_2026_01', '2026-01-01T00:00:00.000000Z', '2026-02-01T00:00:00.000000Z'],
    ])
    expect(await place.value('select count(*)::int from tenantry.partition_retirements')).toBe(0)
  })

  it('archives before it drops, once', async () => {
    const store = archive()
    await retire({ contents: store.contents })
    expect(store.calls).toEqual(['public.usage_2026_01', 'public.usage_2026_02'])
    expect(store.ids.size).toBe(20)
    expect(await rowsByMonth()).toEqual({ '2026-03': 10 })
  })

  it('takes empty months only, where something else moves the rows', async () => {
    await place.raw(`delete from usage where created_at < '2026-02-01Z'`)
    expect((await retire({ contents: 'empty' })).map(({ outcome }) => outcome)).toEqual([
      'dropped',
      'changed',
    ])
    expect(await rowsByMonth()).toEqual({ '2026-02': 10, '2026-03': 10 })
  })

  it('refuses a table that is not partitioned by time', async () => {
    await expect(retire({ table: { name: 'customers' } })).rejects.toMatchObject({
      code: 'TENANTRY_CONFIGURATION',
    })
  })
})

describe('what is written meanwhile', () => {
  for (const step of ['archived', 'recorded'] as const) {
    it(`a row that comes after the rows were read (${step}) is never lost: the month stays, and goes with it the next time`, async () => {
      const store = archive()
      const late: unknown[] = []
      const first = await retire({
        contents: store.contents,
        before: '2026-02-01T00:00:00Z',
        async onStep({ type }) {
          if (type === step) late.push((await insertInto('2026-01'))[0]?.[0])
        },
      })
      expect(first).toEqual([{ partition: 'public.usage_2026_01', outcome: 'changed' }])
      expect((await rowsByMonth())['2026-01']).toBe(11)
      expect(await retire({ contents: store.contents, before: '2026-02-01T00:00:00Z' })).toEqual([
        { partition: 'public.usage_2026_01', outcome: 'dropped' },
      ])
      expect(store.ids).toContain(late[0])
    })
  }

  it('an update that is undone counts as a change, too', async () => {
    const store = archive()
    const outcome = await retire({
      contents: store.contents,
      before: '2026-02-01T00:00:00Z',
      async onStep({ type }) {
        if (type !== 'archived') return
        await place.raw(`update usage set resource = 'x' where created_at < '2026-02-01Z'`)
        await place.raw(`update usage set resource = 'call' where created_at < '2026-02-01Z'`)
      },
    })
    expect(outcome[0]?.outcome).toBe('changed')
  })

  it('a hold that comes at any step keeps the whole month, until it is released', async () => {
    const hold = () => placeHold(place.service, { tenant: CUSTOMER, reason: 'matter 12', by: 'counsel' })
    for (const step of ['archived', 'recorded', 'detached'] as const) {
      let id = ''
      const store = archive()
      const outcomes = await retire({
        contents: store.contents,
        before: '2026-02-01T00:00:00Z',
        async onStep({ type }) {
          if (type === step) ({ id } = await hold())
        },
      })
      expect(outcomes).toEqual([{ partition: 'public.usage_2026_01', outcome: 'held' }])
      expect((await rowsByMonth())['2026-01']).toBe(10)
      // Seen beforehand now: nothing is archived in vain.
      expect(await retire({ contents: store.contents, before: '2026-02-01T00:00:00Z' })).toEqual(outcomes)
      expect(store.calls).toHaveLength(1)
      await releaseHold(place.service, { id, by: 'counsel', reason: 'settled' })
    }
    expect((await retire())[0]?.outcome).toBe('dropped')
  })

  it('is as closed as before while it is detached', async () => {
    let seen: unknown
    await retire({
      before: '2026-02-01T00:00:00Z',
      async onStep({ type }) {
        if (type !== 'detached') return
        seen = await place.value(
          `select array[relrowsecurity, relforcerowsecurity, exists(select from aclexplode(relacl) where grantee <> relowner),
            exists(select from pg_policy where polrelid = pg_class.oid)]::text from pg_class where relname = 'usage_2026_01'`,
        )
      },
    })
    expect(seen).toBe('{t,t,f,f}')
  })

  it('a month that came back is one like before: attached, closed, indexed, without a left-over constraint', async () => {
    const state = `select jsonb_build_array(relrowsecurity, relforcerowsecurity, relacl is null,
      (select jsonb_agg(indexrelid::regclass::text order by 1) from pg_index where indrelid = pg_class.oid),
      (select jsonb_agg(pg_get_constraintdef(oid) order by 1) from pg_constraint where conrelid = pg_class.oid))::text
      from pg_class where relname = 'usage_2026_01'`
    const before = await place.value(state)
    await retire({
      before: '2026-02-01T00:00:00Z',
      contents: 'empty',
      graph: null,
    })
    await retire({
      before: '2026-02-01T00:00:00Z',
      async onStep({ type }) {
        if (type === 'detached')
          await placeHold(place.service, { table: usage, reason: 'matter 12', by: 'counsel' })
      },
    })
    expect(await place.value(state)).toBe(before)
    expect(await children()).toContain('usage_2026_01')
  })
})

class Killed extends Error {}

describe('killed', () => {
  for (const step of ['archived', 'recorded', 'detached'] as const) {
    it(`when ${step}: the next call ends in the same state`, async () => {
      const store = archive()
      const options: Partial<RetireOptions> = { contents: store.contents, before: '2026-02-01T00:00:00Z' }
      await expect(
        retire({
          ...options,
          onStep({ type }) {
            if (type === step) throw new Killed()
          },
        }),
      ).rejects.toThrow(Killed)
      expect(await retire(options)).toEqual([{ partition: 'public.usage_2026_01', outcome: 'dropped' }])
      expect(await retire(options)).toEqual([])
      expect(store.ids.size).toBe(10)
      expect(await rowsByMonth()).toEqual({ '2026-02': 10, '2026-03': 10 })
      expect(
        await place.raw(`select outcome, finished_at is not null from tenantry.partition_retirements`),
      ).toEqual([['dropped', true]])
      if (step !== 'archived') expect(store.calls).toHaveLength(1)
    })
  }

  it('when detached, and the rule was lengthened since: the month comes back', async () => {
    await expect(
      retire({
        before: '2026-02-01T00:00:00Z',
        onStep({ type }) {
          if (type === 'detached') throw new Killed()
        },
      }),
    ).rejects.toThrow(Killed)
    expect(await retire({ before: '2026-01-31T00:00:00Z' })).toEqual([
      { partition: 'public.usage_2026_01', outcome: 'changed' },
    ])
    expect((await rowsByMonth())['2026-01']).toBe(10)
  })
})

describeOnServer('beside others', () => {
  it('a backend killed in the middle of DETACH CONCURRENTLY leaves a mark, and the next call finishes it', async () => {
    const reader = await connect(place.url)
    const reading = signal()
    const read = signal()
    const held = reader.driver.transaction({ isolation: 'repeatable read' }, async (connection) => {
      await connection.query({ text: 'select count(*) from usage', params: [] })
      reading.resolve()
      await read.promise
    })
    await reading.promise
    const store = archive()
    const options: Partial<RetireOptions> = { contents: store.contents, before: '2026-02-01T00:00:00Z' }
    const retiring = retire(options).catch((error: unknown) => error)
    await until(`select inhdetachpending from pg_inherits where inhdetachpending`)
    await place.raw(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query like 'alter table%detach%'`,
    )
    expect(await retiring).toMatchObject({ code: 'TENANTRY_CONNECTION' })
    // The one who reads still has all of its rows; a call that can't wait says so.
    expect(await retire({ ...options, waitMs: 50 })).toEqual([
      { partition: 'public.usage_2026_01', outcome: 'waiting' },
    ])
    read.resolve()
    await held
    await reader.close()
    expect(await retire(options)).toEqual([{ partition: 'public.usage_2026_01', outcome: 'dropped' }])
    expect(store.calls).toHaveLength(1)
  })

  it('creating months and retiring them neither wait for each other nor fail', async () => {
    const reader = await connect(place.url)
    const [reading, read] = [signal(), signal()]
    const held = reader.driver.transaction({ isolation: 'repeatable read' }, async (connection) => {
      await connection.query({ text: 'select count(*) from usage', params: [] })
      reading.resolve()
      await read.promise
    })
    await reading.promise
    const retiring = retire()
    await until(`select inhdetachpending from pg_inherits where inhdetachpending`)
    // The detach waits for the reader; whoever makes months, writes or reads does not wait for the detach.
    await place.raw(`set statement_timeout = '5s'`)
    expect(await place.value(`select tenantry.ensure_partitions('usage', 6)`)).toBe(3)
    await place.raw(`insert into usage (customer_id, resource) values ('${CUSTOMER}', 'now')`)
    expect(await place.value(`select count(*)::int from usage where created_at >= '2026-03-01Z'`)).toBe(11)
    read.resolve()
    await Promise.all([held, retiring])
    await reader.close()
    expect((await retiring).map(({ outcome }) => outcome)).toEqual(['dropped', 'dropped'])
  })

  it('months are made in a loop while months are retired', async () => {
    let stop = false
    let made = 0
    const making = (async () => {
      for (let ahead = 4; !stop; ahead++) {
        made += Number(await place.value(`select tenantry.ensure_partitions('usage', ${ahead})`))
      }
    })()
    expect((await retire()).map(({ outcome }) => outcome)).toEqual(['dropped', 'dropped'])
    stop = true
    await making
    expect(made).toBeGreaterThan(0)
  })

  it('beside a default partition, which forbids a concurrent detach, it takes short locks', async () => {
    await place.raw('create table usage_rest partition of usage default')
    expect((await retire()).map(({ outcome }) => outcome)).toEqual(['dropped', 'dropped'])
    expect(await rowsByMonth()).toEqual({ '2026-03': 10 })
  })

  it('tables of pg_partman are retired by their bounds, unless it drops partitions itself', async () => {
    await place.raw('create schema partman')
    await place.raw('create extension pg_partman schema partman')
    await place.raw(`create table events (at timestamptz not null) partition by range (at)`)
    await place.raw('grant select on events to tenantry_service')
    await place.raw(
      `select partman.create_parent('public.events', 'at', '1 month', p_start_partition => '2026-01-01')`,
    )
    await place.raw(
      `insert into events select timestamptz '2026-01-10Z' + make_interval(months => n) from generate_series(0, 3) as n`,
    )
    const events = { table: { name: 'events' } }
    expect(await retire(events)).toEqual([
      { partition: 'public.events_p20260101', outcome: 'dropped' },
      { partition: 'public.events_p20260201', outcome: 'dropped' },
    ])
    await place.raw(`select partman.run_maintenance('public.events')`)
    expect(await place.value('select count(*)::int from events')).toBe(2)
    await place.raw(`update partman.part_config set retention = '2 years'`)
    await expect(retire(events)).rejects.toThrow(/pg_partman drops/)
  })

  it('a login that owns the tables and is filtered by row security sees every row before it drops', async () => {
    const owner = `retention_owner_${String(await place.value('select current_database()')).slice(-10)}`
    await place.raw(`create role ${owner} login nosuperuser; `)
    await place.raw(`grant tenantry_service to ${owner} with inherit false, set true`)
    await place.raw(`grant usage, create on schema public to ${owner}`)
    for (const [name] of await place.raw(
      `select oid::regclass::text from pg_class where relkind in ('r', 'p') and relnamespace = 'public'::regnamespace`,
    )) {
      await place.raw(`alter table ${String(name)} owner to ${owner}`)
    }
    const url = new URL(place.url)
    url.username = owner
    const login = await connect(url.href)
    // Roles belong to the whole server: this one goes, whatever the test finds.
    cleanUp = async () => {
      await login.close()
      await place.raw(`drop owned by ${owner} cascade`)
      await place.raw(`drop role ${owner}`)
    }
    const store = archive()
    expect(
      await retire(
        {
          contents: store.contents,
          before: '2026-02-01T00:00:00Z',
          async onStep({ type }) {
            if (type === 'recorded') await insertInto('2026-01')
          },
        },
        login.driver,
      ),
    ).toEqual([{ partition: 'public.usage_2026_01', outcome: 'changed' }])
    expect(await retire({ contents: store.contents, before: '2026-02-01T00:00:00Z' }, login.driver)).toEqual([
      { partition: 'public.usage_2026_01', outcome: 'dropped' },
    ])
  })
})

function signal(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => (resolve = settle))
  return { promise, resolve }
}

/** Until a query finds something. */
async function until(text: string): Promise<void> {
  await expect
    .poll(async () => (await place.raw(text)).length, { interval: 5, timeout: 5000 })
    .toBeGreaterThan(0)
}
