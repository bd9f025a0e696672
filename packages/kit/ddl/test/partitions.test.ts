import { ConfigurationError, connect } from '@tenantry/core'
import { pgTable, text, timestamp } from 'drizzle-orm/pg-core'
import { describe, expect, it } from 'vitest'
import { generateMigration } from '../src/generate.ts'
import { lockDown, migrate, partitioned, partitionJobs, rowSecurity } from '../src/index.ts'
import { serverUrl, setup, type TestPlace } from './support.ts'
import { usage } from './tables.ts'

const options = { table: usage, by: 'created_at', every: 'month' } as const
const CHILDREN = `select inhrelid::regclass::text from pg_inherits where inhparent = 'public.usage_tracking'::regclass order by 1`

async function partitionedPlace(overrides: { readonly initialFrom?: string } = {}): Promise<TestPlace> {
  const place = await setup()
  await generateMigration({
    name: 'app',
    schema: { usage },
    objects: [
      ...partitioned({ ...options, ...overrides }),
      ...partitioned({ ...options, ...overrides }),
      rowSecurity({ table: usage }),
      lockDown(usage),
    ],
    directory: place.folder,
  })
  await migrate(place.driver, { system: 'app', migrations: place.folder })
  return place
}

/** The names of months around the current one, by the database's clock. */
function months(place: TestPlace, from: number, to: number): Promise<readonly unknown[]> {
  return place.column(`select 'usage_tracking' || to_char(now() at time zone 'UTC' + make_interval(months => n), '_YYYY_MM')
from generate_series(${from}, ${to}) as n order by 1`)
}

describe('partitioned', () => {
  it('begins with the month before, and three ahead', async () => {
    await using place = await partitionedPlace()
    expect(await place.column(CHILDREN)).toEqual(await months(place, -1, 3))
  })

  it('begins where the declaration says', async () => {
    await using place = await partitionedPlace({ initialFrom: '2026-02' })
    expect((await place.column(CHILDREN)).slice(0, 2)).toEqual([
      'usage_tracking_2026_02',
      'usage_tracking_2026_03',
    ])
  })

  it('divides time into UTC months without a gap, whatever the time zone of the session', async () => {
    await using place = await partitionedPlace()
    await place.script(`drop table ${(await place.column(CHILDREN)).join(', ')}`)
    await place.driver.transaction({}, async (connection) => {
      await connection.script(`set local time zone 'Pacific/Kiritimati'`)
      await connection.script(`select tenantry.ensure_partitions('usage_tracking', 14)`)
    })
    expect(await place.column(CHILDREN)).toEqual(await months(place, 0, 14))
    expect(
      await place.value(`select count(*)::int from (
  select upper, lead(lower) over (order by lower) as next
  from pg_inherits, regexp_match(pg_get_expr((select relpartbound from pg_class where oid = inhrelid), inhrelid), '''(.*)''.*''(.*)''') as bound,
    cast(bound[1] as timestamptz) as lower, cast(bound[2] as timestamptz) as upper
  where inhparent = 'usage_tracking'::regclass) as bounds
where next is not null and next = upper and extract(day from upper at time zone 'UTC') = 1`),
    ).toBe(14)
    await place.script(
      `insert into usage_tracking (user_id, created_at) values (gen_random_uuid(), date_trunc('month', now(), 'UTC'))`,
    )
    expect(await place.value(`select tableoid::regclass::text from usage_tracking`)).toBe(
      (await months(place, 0, 0))[0],
    )
  })

  it('a new month is as closed as the parent: its owner, no grant, row security forced, no policy', async () => {
    await using place = await partitionedPlace()
    const owner = `${place.prefix}_owner`
    await place.script(`create role ${owner}; grant all on schema public to ${owner}`)
    await place.script(
      `alter table usage_tracking owner to ${owner}; alter default privileges grant all on tables to public`,
    )
    await place.script(`select tenantry.ensure_partitions('usage_tracking', 4)`)
    const [child] = await months(place, 4, 4)
    expect(
      await place.value(
        `select array[pg_get_userbyid(relowner), relrowsecurity::text, relforcerowsecurity::text,
  (select count(*) from aclexplode(relacl) where grantee <> relowner)::text,
  (select count(*) from pg_policy where polrelid = pg_class.oid)::text]::text
from pg_class where relname = '${String(child)}'`,
      ),
    ).toBe(`{${owner},true,true,0,0}`)
  })

  it('takes keys, indexes and triggers of the parent along', async () => {
    await using place = await partitionedPlace()
    const [child] = await months(place, 0, 0)
    await place.script(
      `insert into usage_tracking (id, user_id) values ('00000000-0000-4000-8000-000000000001', gen_random_uuid())`,
    )
    await expect(
      place.script(`insert into usage_tracking select * from ${String(child)}`),
    ).rejects.toMatchObject({ code: 'TENANTRY_UNIQUE' })
  })

  it.skipIf(serverUrl === null)('is safe when several ask at once', async () => {
    await using place = await partitionedPlace()
    const database = await connect(place.url)
    const [job] = partitionJobs([{ ...options, aheadMonths: 12 }])
    const runs = Array.from({ length: 6 }, () => database.driver.transaction({}, async (c) => job?.run(c)))
    const made = (await Promise.all(runs)).map((result) => result?.changed)
    await database.close()
    expect(made.toSorted()).toEqual([0, 0, 0, 0, 0, 9])
    expect(await place.column(CHILDREN)).toEqual(await months(place, -1, 12))
  })

  it('goes by the bounds that exist, not by names, and refuses months of another time zone', async () => {
    await using place = await partitionedPlace()
    const [fourth] = await months(place, 4, 4)
    await place.script(`select tenantry.ensure_partitions('usage_tracking', 4)`)
    await place.script(`alter table ${String(fourth)} rename to renamed`)
    expect(await place.value(`select tenantry.ensure_partitions('usage_tracking', 4)`)).toBe(0)
    await place.script(`drop table renamed`)
    await place.script(`do $$ begin execute format('create table odd partition of usage_tracking for values from (%L) to (%L)',
  date_trunc('month', now(), 'UTC') + interval '4 months 5 hours', date_trunc('month', now(), 'UTC') + interval '5 months 5 hours'); end $$`)
    await expect(
      place.script(`select tenantry.ensure_partitions('usage_tracking', 4)`),
    ).rejects.toMatchObject({
      cause: { message: 'partition odd of public.usage_tracking does not follow calendar months in UTC' },
    })
  })

  it('its maintenance can be called by nobody but the owner', async () => {
    await using place = await partitionedPlace()
    expect(
      await place.value(
        `select count(*)::int from pg_proc, aclexplode(proacl) where proname = 'ensure_partitions' and grantee <> proowner`,
      ),
    ).toBe(0)
  })

  it('refuses fewer months ahead than three, and a name that leaves no room', () => {
    const long = pgTable('x'.repeat(56), { at: timestamp('at') })
    expect(() => partitioned({ ...options, aheadMonths: 2 })).toThrow(ConfigurationError)
    expect(() => partitioned({ table: long, by: 'at', every: 'month' })).toThrow(/too long/)
    expect(() => partitioned({ ...options, initialFrom: '2026-13' })).toThrow(/YYYY-MM/)
  })

  it('refuses to partition a table that exists, or to stop partitioning one', async () => {
    await using place = await setup()
    const generate = (objects: Parameters<typeof generateMigration>[0]['objects'], directory: string) =>
      generateMigration({ name: 'app', schema: { usage }, objects, directory })
    await generate([], place.folder)
    await expect(generate(partitioned(options), place.folder)).rejects.toThrow(/table that exists/)
    const other = `${place.folder}/other`
    await generate(partitioned(options), other)
    await expect(generate(partitioned({ ...options, by: 'id' }), other)).rejects.toThrow(/table that exists/)
    await expect(generate([], other)).rejects.toThrow(/can't be taken from/)
    const unrelated = pgTable('unrelated', { name: text('name') })
    await expect(
      generate([...partitioned(options), ...partitioned({ ...options, table: unrelated })], other),
    ).rejects.toThrow(/applies to nothing/)
  })
})
