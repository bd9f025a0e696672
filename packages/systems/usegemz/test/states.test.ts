/** What the database keeps about states when nobody goes through the verbs. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { CAMPAIGN_STATUSES, JOB_STATUSES, ONBOARDING_STEPS, TRIAL_STATUSES } from '../src/types.ts'
import { type GemsDatabase, gemsDatabase, person, type Person } from './support/gems.ts'

let place: GemsDatabase
beforeAll(async () => {
  place = await gemsDatabase()
})
afterAll(() => place?.close())

interface Machine {
  readonly table: string
  readonly column: string
  readonly states: readonly string[]
  /** The documented and ruled edges, written out here and not read from the machine. */
  readonly edges: readonly string[]
  /** Makes a row in a state, by raw SQL, and answers its id. */
  readonly make: (of: Person, state: string) => Promise<string>
  /** Whether the person's role may write the column at all. */
  readonly writable: boolean
}

const inserted = async (text: string, ...params: readonly unknown[]): Promise<string> => {
  const [row] = await place.rows<{ id: string }>(`${text} returning id`, params)
  return row?.id ?? ''
}

const MACHINES: readonly Machine[] = [
  {
    table: 'user_profiles',
    column: 'onboarding_step',
    states: ONBOARDING_STEPS,
    edges: [
      'pending→info_captured',
      'pending→intent_captured',
      'pending→completed',
      'info_captured→intent_captured',
      'info_captured→completed',
      'intent_captured→completed',
    ],
    writable: true,
    make: (_, state) =>
      inserted(
        'insert into user_profiles (user_id, onboarding_step) values (gen_random_uuid()::text, $1)',
        state,
      ),
  },
  {
    table: 'user_profiles',
    column: 'trial_status',
    states: TRIAL_STATUSES,
    edges: ['pending→active', 'active→expired', 'active→cancelled', 'active→converted'],
    writable: false,
    make: (_, state) =>
      inserted(
        `insert into user_profiles (user_id, trial_status, trial_start_date, trial_end_date)
         select gen_random_uuid()::text, $1, start, start + interval '168 hours'
         from (select case when $1 <> 'pending' then now() - interval '1 day' end) as dates (start)`,
        state,
      ),
  },
  {
    table: 'campaigns',
    column: 'status',
    states: CAMPAIGN_STATUSES,
    edges: [
      'draft→active',
      'draft→archived',
      'active→completed',
      'active→archived',
      'completed→active',
      'completed→archived',
      'archived→active',
    ],
    writable: true,
    make: async ({ userId }, state) => {
      const id = await inserted(
        `insert into campaigns (user_id, name, search_type) values ($1, 'x', 'keyword')`,
        userId,
      )
      for (const step of { draft: [], active: ['active'], completed: ['active', 'completed'] }[state] ?? [
        'archived',
      ]) {
        await place.rows('update campaigns set status = $2 where id = $1', [id, step])
      }
      return id
    },
  },
  {
    table: 'scraping_jobs',
    column: 'status',
    states: JOB_STATUSES,
    edges: [
      'pending→processing',
      'processing→completed',
      'processing→error',
      'processing→timeout',
      'processing→pending',
    ],
    writable: false,
    make: async ({ userId }, state) => {
      const id = await inserted(`insert into scraping_jobs (user_id, keywords) values ($1, '["x"]')`, userId)
      if (state !== 'pending') {
        await place.rows(
          `update scraping_jobs set status = 'processing', lease_token = gen_random_uuid(), attempts = 1,
             available_at = now() + interval '1 minute' where id = $1`,
          [id],
        )
      }
      if (!['pending', 'processing'].includes(state)) {
        await place.rows(
          `with presented as materialized (
             select set_config('tenantry.lease_tokens', lease_token::text, true) as token
             from scraping_jobs where id = $1
           )
           update scraping_jobs set status = $2 from presented where token is not null and id = $1`,
          [id, state],
        )
      }
      return id
    },
  },
]

const stateOf = async ({ table, column }: Machine, id: string) => {
  const [row] = await place.rows(`select ${column} as state from ${table} where id = $1`, [id])
  return row?.['state']
}

describe.each(MACHINES.map((machine) => [`${machine.table}.${machine.column}`, machine] as const))(
  '%s',
  (_, machine) => {
    const { table, column, states, edges, make, writable } = machine
    const pairs = states.flatMap((from) => states.map((to) => [from, to] as const))
    const illegal = pairs.filter(([from, to]) => from !== to && !edges.includes(`${from}→${to}`))

    test('goes no step that isn’t one, by raw SQL, whoever tries', async () => {
      expect(illegal.length).toBe(states.length * (states.length - 1) - edges.length)
      const ann = await person(place)
      for (const [from, to] of illegal) {
        const id = await make(ann, from)
        await expect(
          place.rows(`update ${table} set ${column} = $2 where id = $1`, [id, to]),
          `${from} to ${to}`,
        ).rejects.toMatchObject({ code: 'TENANTRY_STALE_TRANSITION', table, cause: { code: 'TN001' } })
        expect(await stateOf(machine, id)).toBe(from)
      }
    })

    test('takes no state that isn’t one', async () => {
      const ann = await person(place)
      const id = await make(ann, states[0] ?? '')
      await expect(
        place.rows(`update ${table} set ${column} = 'elsewhere' where id = $1`, [id]),
      ).rejects.toMatchObject({ code: 'TENANTRY_STALE_TRANSITION' })
      expect(await stateOf(machine, id)).toBe(states[0])
    })

    test(`is ${writable ? 'moved by its person along an edge' : 'not its person’s to move'}`, async () => {
      const ann = await person(place)
      const own = table === 'user_profiles' ? ann.profile.id : await make(ann, states[0] ?? '')
      const attempt = place.rowsAs(
        ann.userId,
        `update ${table} set ${column} = $2 where id = $1 returning ${column} as state`,
        [own, states[1]],
      )
      if (writable) expect(await attempt).toEqual([{ state: states[1] }])
      else await expect(attempt).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    })
  },
)

describe('raw SQL goes each step that is one', () => {
  test.each(['onboarding_step', 'status of campaigns'])('of %s', async (which) => {
    const machine = MACHINES.find(({ table, column }) =>
      which.includes('campaigns') ? table === 'campaigns' : column === which,
    )
    if (machine === undefined) throw new Error('no machine')
    const ann = await person(place)
    for (const edge of machine.edges) {
      const [from = '', to = ''] = edge.split('→')
      const id = await machine.make(ann, from)
      await place.rows(`update ${machine.table} set ${machine.column} = $2 where id = $1`, [id, to])
      expect(await stateOf(machine, id), edge).toBe(to)
    }
  })
})

test('a claimed search is nobody’s to finish by raw SQL without its token', async () => {
  const ann = await person(place)
  const machine = MACHINES[3]
  const id = (await machine?.make(ann, 'processing')) ?? ''
  for (const to of ['completed', 'error', 'timeout', 'pending']) {
    await expect(
      place.rows('update scraping_jobs set status = $2 where id = $1', [id, to]),
    ).rejects.toMatchObject({ code: 'TENANTRY_STALE_TRANSITION' })
  }
  await expect(
    place.rows(`update scraping_jobs set lease_token = null where id = $1`, [id]),
  ).rejects.toMatchObject({ code: 'TENANTRY_STALE_TRANSITION' })
})

test('updated_at is the time of every change, by any role, and no person writes it', async () => {
  const ann = await person(place)
  const campaign = await ann.scope.campaigns.create({ name: 'x', searchType: 'keyword' })
  for (const [table, id] of [
    ['user_profiles', ann.profile.id],
    ['campaigns', campaign.id],
  ] as const) {
    const [row] = await place.rows(
      `update ${table} set created_at = created_at, updated_at = '2001-01-01' where id = $1
       returning updated_at = now() as now, updated_at > created_at as later`,
      [id],
    )
    expect(row, table).toEqual({ now: true, later: true })
    await expect(
      place.rowsAs(ann.userId, `update ${table} set updated_at = '2001-01-01' where id = $1`, [id]),
    ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
  }
})
