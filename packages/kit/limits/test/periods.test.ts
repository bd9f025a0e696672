import fc from 'fast-check'
import { ValidationError } from '@tenantry/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { PERIOD_KINDS, periodObjects } from '../src/periods/objects.ts'
import { createDatabase, type Setup } from './support/database.ts'

let test: Setup
beforeAll(async () => {
  test = await createDatabase(periodObjects())
})
afterAll(() => test.close())

/**
 * Zones with what clocks do: nothing, quarter hours, half-hour and backward DST, midnight that is skipped (Cairo,
 * Beirut) or shown twice (Havana, Goose Bay, Azores), a day that is skipped (Apia 2011, Kwajalein 1993) or repeated (Kwajalein 1969).
 */
const ZONES = [
  'UTC',
  'Europe/Berlin',
  'America/New_York',
  'Asia/Kathmandu',
  'Australia/Lord_Howe',
  'Africa/Casablanca',
  'Africa/Cairo',
  'Asia/Beirut',
  'America/Goose_Bay',
  'America/Havana',
  'America/Sao_Paulo',
  'Atlantic/Azores',
  'Pacific/Apia',
  'Pacific/Kwajalein',
] as const

/** Around changes of the clocks, and at the ends of months, is where a boundary can go wrong. */
const NOTABLE = [
  '1969-09-30T11:30:00Z',
  '1993-08-20T12:00:00Z',
  '2009-11-01T03:01:00Z',
  '2011-12-30T10:00:00Z',
  '2024-03-31T01:00:00Z',
  '2024-10-27T01:00:00Z',
  '2024-04-06T15:00:00Z',
  '2024-11-03T05:00:00Z',
  '2018-11-04T03:00:00Z',
  '2024-04-25T22:00:00Z',
  '2024-02-29T23:59:59.999Z',
  '2023-12-31T23:59:59.999Z',
  '2024-01-31T12:00:00Z',
].map((text) => Date.parse(text))

const instant = fc.oneof(
  fc.integer({ min: Date.UTC(1965, 0), max: Date.UTC(2045, 0) }),
  fc
    .tuple(fc.constantFrom(...NOTABLE), fc.integer({ min: -50 * 3_600_000, max: 50 * 3_600_000 }))
    .map(([near, off]) => near + off),
)

const asked = fc.record({
  kind: fc.constantFrom(...PERIOD_KINDS),
  anchor: instant,
  zone: fc.constantFrom(...ZONES),
  at: instant,
})

/** One round trip tries this many cases; the seed is fixed so that a failure comes again. */
const cases = (count: number) => fc.sample(asked, { numRuns: count, seed: 20_261_120 })

const json = (sample: ReturnType<typeof cases>) =>
  JSON.stringify(
    sample.map((one) => ({
      ...one,
      anchor: new Date(one.anchor).toISOString(),
      at: new Date(one.at).toISOString(),
    })),
  )

const CASES = `jsonb_to_recordset($1::text::jsonb) as c (kind text, anchor timestamptz, zone text, at timestamptz)`

/** The rows of `from` for which a law doesn't hold; `p` is the period of the case `c`. */
const broken = (law: string, more = '') =>
  test.raw(
    `select c.*, p.* from ${CASES}, tenantry.limit_period(c.kind, c.anchor, c.zone, c.at) as p ${more}
     where (${law}) is not true limit 5`,
    json(cases(2000)),
  )

describe('a period', () => {
  it('holds the instant that it was asked for, and is never empty', async () => {
    expect(await broken('p.starts <= c.at and c.at < p.ends')).toEqual([])
  })

  it('tiles time: its end begins the next, its last microsecond lies in it, what is before it ends where it starts', async () => {
    const neighbours = `,
      tenantry.limit_period(c.kind, c.anchor, c.zone, p.ends) as next,
      tenantry.limit_period(c.kind, c.anchor, c.zone, p.ends - interval '1 microsecond') as last,
      tenantry.limit_period(c.kind, c.anchor, c.zone, p.starts) as first,
      tenantry.limit_period(c.kind, c.anchor, c.zone, p.starts - interval '1 microsecond') as before`
    const law = `next.starts = p.ends and before.ends = p.starts
      and (last.starts, last.ends) = (p.starts, p.ends) and (first.starts, first.ends) = (p.starts, p.ends)`
    expect(await broken(law, neighbours)).toEqual([])
  })

  it('leaves nothing out over years, walked from one to the next', async () => {
    const walk = `
      with recursive chain as (
        select c.kind, c.anchor, c.zone, p.starts, p.ends, 1 as step
        from ${CASES}, tenantry.limit_period(c.kind, c.anchor, c.zone, c.at) as p
        union all
        select chain.kind, chain.anchor, chain.zone, p.starts, p.ends, step + 1
        from chain, tenantry.limit_period(chain.kind, chain.anchor, chain.zone, chain.ends) as p
        where step < 60
      )
      select kind, zone, count(*) from (
        select *, lag(ends) over (partition by kind, anchor, zone order by starts) as previous from chain
      ) as walked
      where previous <> starts group by kind, zone`
    expect(await test.raw(walk, json(cases(100)))).toEqual([])
  })

  it('never moves back: of two instants, the later one lies in the same period or a later one', async () => {
    const more = `, tenantry.limit_period(c.kind, c.anchor, c.zone, c.at + interval '13 hours') as later`
    expect(await broken('later.starts >= p.starts and later.ends >= p.ends', more)).toEqual([])
  })

  it('is as long as its kind, give or take what the clocks did', async () => {
    const law = `p.ends - p.starts between
      case c.kind when 'calendar_day' then interval '22 hours' when 'billing_year' then interval '363 days' else interval '26 days' end
      and case c.kind when 'calendar_day' then interval '48 hours' when 'billing_year' then interval '368 days' else interval '33 days' end`
    expect(await broken(law)).toEqual([])
  })
})

describe('a billing period', () => {
  it("begins on the anchor's day, or the month's last where the month is too short, at the anchor's local time", async () => {
    // The law is said of the clock; a time that the clocks skip or show twice is left to the next law.
    const law = `c.kind not like 'billing%' or p.starts = c.anchor or (
      with local as (
        select p.starts at time zone c.zone as starts, c.anchor at time zone c.zone as anchor
      ), wanted as (
        select starts, anchor, make_timestamp(
          extract(year from starts)::int, extract(month from starts)::int,
          least(extract(day from anchor), extract(day from date_trunc('month', starts) + interval '1 month - 1 day'))::int,
          extract(hour from anchor)::int, extract(minute from anchor)::int, extract(second from anchor)::float8
        ) as time
        from local
      )
      select starts = time or (time at time zone c.zone) at time zone c.zone <> time from wanted
    )`
    expect(await broken(law)).toEqual([])
  })

  it('begins at its anchor, even in an hour that the clocks show twice', async () => {
    const more = `, tenantry.limit_period(c.kind, c.anchor, c.zone, c.anchor) as own`
    expect(await broken(`c.kind not like 'billing%' or own.starts = c.anchor`, more)).toEqual([])
    // The first 01:30 of two.
    const [row] = await test.raw(
      `select starts = $1, ends from tenantry.limit_period('billing_month', $1, 'America/New_York', $1)`,
      '2024-11-03T05:30:00Z',
    )
    expect(row).toEqual([true, '2024-12-03 06:30:00+00'])
    // Half an hour into the period the clocks of Goose Bay are back in October.
    const [later] = await test.raw(
      `select starts = $1 from tenantry.limit_period('billing_month', $1, 'America/Goose_Bay', $2)`,
      '2009-11-01T03:00:30Z',
      '2009-11-01T03:30:00Z',
    )
    expect(later).toEqual([true])
  })

  it('does not drift from the 31st, and has its 29th of February when there is one', async () => {
    const starts = (kind: string, anchor: string, from: string, to: string, step: string) =>
      test.raw(
        `select (p.starts at time zone 'UTC')::date::text
         from generate_series($3::timestamptz, $4::timestamptz, $5::interval) as at,
           tenantry.limit_period($1, $2, 'UTC', at) as p`,
        kind,
        anchor,
        from,
        to,
        step,
      )
    expect(
      (await starts('billing_month', '2024-01-31 10:00Z', '2024-02-15Z', '2024-07-15Z', '1 month')).flat(),
    ).toEqual(['2024-01-31', '2024-02-29', '2024-03-31', '2024-04-30', '2024-05-31', '2024-06-30'])
    expect(
      (await starts('billing_year', '2024-02-29Z', '2024-06-01Z', '2028-06-01Z', '1 year')).flat(),
    ).toEqual(['2024-02-29', '2025-02-28', '2026-02-28', '2027-02-28', '2028-02-29'])
    // Before the anchor, too.
    expect(
      (await starts('billing_month', '2024-03-31Z', '2024-02-15Z', '2024-03-15Z', '1 month')).flat(),
    ).toEqual(['2024-01-31', '2024-02-29'])
  })
})

describe('a calendar period', () => {
  it('begins at local midnight, where there is one', async () => {
    const law = `c.kind not like 'calendar%' or (
      select starts::time = time '00:00' and (c.kind = 'calendar_day' or extract(day from starts) = 1)
        or (date_trunc('day', starts) at time zone c.zone) at time zone c.zone <> date_trunc('day', starts)
        or (p.starts - interval '1 microsecond') at time zone c.zone < date_trunc('day', starts)
      from (select p.starts at time zone c.zone as starts) as local
    )`
    expect(await broken(law)).toEqual([])
  })

  it('of a day is 23, 24 or 25 hours long in Berlin; Apia goes from the 29th to the 31st', async () => {
    const day = async (zone: string, at: string) => {
      const [row] = await test.raw(
        `select starts, ends - starts from tenantry.limit_period('calendar_day', null, $1, $2)`,
        zone,
        at,
      )
      return row
    }
    expect(await day('Europe/Berlin', '2024-03-31T12:00Z')).toEqual(['2024-03-30 23:00:00+00', '23:00:00'])
    expect(await day('Europe/Berlin', '2024-10-27T12:00Z')).toEqual([
      '2024-10-26 22:00:00+00',
      '1 day 01:00:00',
    ])
    expect(await day('Pacific/Apia', '2011-12-30T09:59Z')).toEqual(['2011-12-29 10:00:00+00', '1 day'])
    expect(await day('Pacific/Apia', '2011-12-30T10:00Z')).toEqual(['2011-12-30 10:00:00+00', '1 day'])
  })
})

describe('what makes no period', () => {
  it.each([
    ['fortnight', '2024-01-01Z', 'UTC', '2024-01-01Z'],
    [null, '2024-01-01Z', 'UTC', '2024-01-01Z'],
    ['calendar_day', null, 'Europe/Atlantis', '2024-01-01Z'],
    ['calendar_day', null, null, '2024-01-01Z'],
    ['calendar_day', null, 'UTC', null],
    ['calendar_day', null, 'UTC', 'infinity'],
    ['billing_month', null, 'UTC', '2024-01-01Z'],
    ['billing_month', '-infinity', 'UTC', '2024-01-01Z'],
  ])('is an error: %s, anchor %s, zone %s, at %s', async (...args) => {
    await expect(test.raw('select * from tenantry.limit_period($1, $2, $3, $4)', ...args)).rejects.toThrow(
      ValidationError,
    )
  })
})
