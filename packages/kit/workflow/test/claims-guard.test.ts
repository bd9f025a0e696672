/** What raw SQL can't do to claimed rows, whatever its rights; and how the statements are planned. */
import { type CompiledQuery, IsolationError, StaleTransitionError } from '@tenantry/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { describeOnServer } from '@tenantry/testing/vitest'
import { tenantExecutor } from '@tenantry/rls'
import { claimStatement, finishAndClaimStatement, holderStatement } from '../src/claims/statements.ts'
import { planClaims } from '../src/claims/plan.ts'
import { defineClaims } from '../src/index.ts'
import { jobClaims, jobOptions, objects, schema, tenancy } from './support/jobs.ts'
import { ALICE, createSystem, type Setup } from './support/setup.ts'

const STATES = ['queued', 'fetching', 'writing', 'done', 'empty', 'failed', 'timeout', 'cancelled'] as const

const TOKEN = '00000000-0000-4000-8000-000000000001'

let test: Setup
beforeAll(async () => {
  test = await createSystem('jobs', { schema, objects })
})
afterAll(() => test.close())
beforeEach(() => test.raw('truncate jobs'))

async function claimed() {
  await test.raw('insert into jobs (user_id) values ($1)', ALICE)
  const { claims } = await jobClaims.claim(test.service)
  const [claim] = claims
  if (claim === undefined) throw new Error('One was added')
  return claim
}

const snapshot = () => test.raw('select * from jobs')

describe('a leased row', () => {
  it.each([
    ...STATES.filter((state) => state !== 'fetching').map((state) => `status = '${state}'`),
    `status = 'done', lease_token = null`,
    'lease_token = gen_random_uuid()',
    `lease_token = gen_random_uuid(), attempts = attempts + 1, available_at = now() + interval '1 hour'`,
    'lease_token = null',
    'attempts = 0',
    'available_at = now()',
    `available_at = now() + interval '1 day'`,
  ])("isn't changed without its token: set %s", async (change) => {
    await claimed()
    const before = await snapshot()
    await expect(test.raw(`update jobs set ${change}`)).rejects.toThrow(StaleTransitionError)
    expect(await snapshot()).toEqual(before)
  })

  it('takes other changes', async () => {
    await claimed()
    await test.raw(`update jobs set title = 'new'`)
  })

  it("isn't changed with another row's token", async () => {
    await claimed()
    const before = await snapshot()
    await expect(
      test.raw(`
        with presented as materialized (
          select set_config('tenantry.lease_tokens', gen_random_uuid()::text, true) as tokens
        )
        update jobs set status = 'done' from presented where tokens is not null`),
    ).rejects.toThrow(StaleTransitionError)
    expect(await snapshot()).toEqual(before)
  })
})

describe('a row that nobody holds', () => {
  it.each([
    `status = 'fetching'`,
    `status = 'fetching', lease_token = gen_random_uuid()`,
    `status = 'fetching', lease_token = gen_random_uuid(), attempts = 1`,
    `status = 'writing', lease_token = gen_random_uuid(), attempts = 1, available_at = now() + interval '1 hour'`,
    `status = 'done'`,
  ])("isn't begun or finished without a claim: set %s", async (change) => {
    await test.raw('insert into jobs (user_id) values ($1)', ALICE)
    await expect(test.raw(`update jobs set ${change}`)).rejects.toThrow(StaleTransitionError)
  })

  it.each(STATES.filter((state) => state !== 'queued'))("isn't inserted as %s", async (state) => {
    await expect(
      test.raw('insert into jobs (user_id, status) values ($1, $2)', ALICE, state),
    ).rejects.toThrow(StaleTransitionError)
  })

  it('keeps its count of attempts, whatever is written', async () => {
    await test.raw(
      `insert into jobs (user_id, attempts, lease_token) values ($1, 9, gen_random_uuid())`,
      ALICE,
    )
    await test.raw('update jobs set attempts = 7, lease_token = gen_random_uuid()')
    expect(await test.raw('select attempts, lease_token from jobs')).toEqual([[0, null]])
  })
})

describe('a row whose lease ran out', () => {
  it("isn't finished by somebody without the token", async () => {
    const { token } = await claimed()
    await test.raw(
      `with presented as materialized (select set_config('tenantry.lease_tokens', $1, true) as tokens)
       update jobs set available_at = now() from presented where tokens is not null`,
      token,
    )
    await expect(test.raw(`update jobs set status = 'done'`)).rejects.toThrow(StaleTransitionError)
    // An operator may put it back.
    await test.raw(`update jobs set status = 'queued'`)
  })
})

it('every step that is no edge of the machine is refused', async () => {
  const { machine } = jobClaims
  for (const from of STATES) {
    for (const to of STATES) {
      if (from === to || machine.allows(from, to)) continue
      await test.raw('truncate jobs')
      await test.raw('alter table jobs disable trigger user')
      await test.raw(
        'insert into jobs (user_id, status, lease_token) values ($1, $2, $3)',
        ALICE,
        from,
        TOKEN,
      )
      await test.raw('alter table jobs enable trigger user')
      await expect(
        test.raw(
          `with presented as materialized (select set_config('tenantry.lease_tokens', '${TOKEN}', true) as tokens)
           update jobs set status = $1 from presented where tokens is not null`,
          to,
        ),
        `${from} to ${to}`,
      ).rejects.toThrow(StaleTransitionError)
    }
  }
})

it("a tenant can't write the columns of the lease, nor the state", async () => {
  await claimed()
  const alice = tenantExecutor(test.database, tenancy, { userId: ALICE })
  for (const change of [
    'lease_token = null',
    'attempts = 0',
    'available_at = now()',
    `last_error = ''`,
    `status = 'done'`,
  ]) {
    await expect(alice.run({ text: `update jobs set ${change}`, params: [], gated: false })).rejects.toThrow(
      IsolationError,
    )
  }
})

describe('a declaration is refused', () => {
  it.each([
    [{ state: { ...jobOptions.state, failed: 'done' } }, /two meanings/],
    [{ edges: { fetching: ['cancelled'], cancelled: [] } }, /step of claimed work/],
    [{ edges: { queued: ['nowhere'] } }, /no state/],
    [{ initial: ['fetching' as const] }, /can't begin/],
    [{ maxAttempts: 0 }, /maxAttempts/],
    [{ columns: { attempts: 'title' as const } }, /a lease can't use/],
    [{ columns: { attempts: 'nothing' as 'title' } }, /no column nothing/],
  ])('%o', (change, message) => {
    expect(() => defineClaims({ ...jobOptions, ...change })).toThrow(message)
  })
})

describe('a row that is put back from an archive', () => {
  const insert = (role: string, restoring: boolean) =>
    test.database.driver.transaction({}, async (connection) => {
      await connection.script(
        `set local role ${role}; select set_config('app.current_user_id', '${ALICE}', true);
         ${restoring ? `set local tenantry.restoring = 'on'` : ''}`,
      )
      await connection.query({
        text: `insert into jobs (user_id, status, attempts, lease_token, started_at) values ($1, 'done', 2, $2, null)`,
        params: [ALICE, TOKEN],
      })
    })

  it('is as it was when it went, in whatever state that was', async () => {
    await insert('tenantry_service', true)
    expect(await test.raw(`select status, attempts, lease_token, started_at from jobs`)).toEqual([
      ['done', 2, TOKEN, null],
    ])
  })

  it.each([
    ['by the service role that doesn’t say so', 'tenantry_service', false],
    ['by a tenant that says so', 'tenantry_tenant', true],
  ])('is no way in for others: %s', async (_what, role, restoring) => {
    const columns = 'insert (status, attempts, lease_token, started_at) on jobs'
    await test.raw(`grant ${columns} to tenantry_tenant`)
    try {
      await expect(insert(role, restoring)).rejects.toThrow(StaleTransitionError)
    } finally {
      await test.raw(`revoke ${columns} from tenantry_tenant`)
    }
  })
})

describeOnServer('the claim', () => {
  it('reads the index of open rows in its order, however many rows are finished', async () => {
    await test.raw('alter table jobs disable trigger user')
    await test.raw(
      `insert into jobs (user_id, status, attempts, priority) select 'user_' || n % 100, 'done', 1, 9 from generate_series(1, 50000) as n`,
    )
    await test.raw('alter table jobs enable trigger user')
    await test.raw(
      `insert into jobs (user_id, priority) select 'user_' || n % 100, n % 3 from generate_series(1, 500) as n`,
    )
    await test.raw('analyze jobs')
    const { text } = claimStatement(planClaims(jobOptions), { oneTenant: false, limit: 10 })
    const plan = await test.database.driver.transaction({}, async (connection) => {
      await connection.query({ text: 'set local role tenantry_service', params: [] })
      const { rows } = await connection.query({
        text: `explain (analyze, buffers, costs off) ${text.replace('$1', '60')}`,
        params: [],
      })
      return rows.map(([line]) => String(line)).join('\n')
    })
    // What is sorted are the rows that it took; the index has the others in their order.
    expect(plan).toMatch(/Limit[^>]+->\s+LockRows[^>]+->\s+Index Scan using jobs_status_claims on jobs/)
    expect(plan.match(/Sort Key: .*/g)).toEqual([expect.stringContaining('claimed.')])
    expect(plan).not.toMatch(/Seq Scan on jobs|Removed by Filter/)
    expect(plan).toMatch(/Index Scan using jobs_pkey on jobs job/)
  })

  it.each([
    ['claiming', () => claimStatement(planClaims(jobOptions), { oneTenant: false, limit: 10 })],
    ['finishing one', () => holderStatement(planClaims(jobOptions), 'finish', { set: [], single: true })],
    ['finishing many', () => holderStatement(planClaims(jobOptions), 'finish', { set: [], single: false })],
    ...[true, false].map((single): [string, () => CompiledQuery] => [
      `finishing ${single ? 'one' : 'many'} and claiming`,
      () =>
        finishAndClaimStatement(planClaims(jobOptions), { set: [], single }, { oneTenant: false, limit: 10 }),
    ]),
  ])('is planned once for all calls, and no plan reads the table: %s', async (_what, statement) => {
    const { text, params } = statement()
    const plan = await test.database.driver.transaction({}, async (connection) => {
      await connection.script(`set local plan_cache_mode = force_generic_plan; prepare probed as ${text}`)
      const { rows } = await connection.query({
        text: `explain (costs off) execute probed (${params.map(() => 'null').join(', ')})`,
        params: [],
      })
      await connection.script('deallocate probed')
      return rows
    })
    expect(JSON.stringify(plan)).not.toMatch(/Seq Scan on jobs|Hash Join/)
  })
})
