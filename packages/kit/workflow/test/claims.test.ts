import { IsolationError, StaleTransitionError } from '@tenantry/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bindTenant, tenantExecutor } from '@tenantry/rls'
import { jobClaims, objects, outputClaims, schema, tenancy } from './support/jobs.ts'
import { ALICE, BOB, createSystem, type Setup } from './support/setup.ts'

let test: Setup
beforeAll(async () => {
  test = await createSystem('jobs', { schema, objects })
})
afterAll(() => test.close())
beforeEach(async () => {
  await test.raw('truncate jobs, outputs')
})

const add = (title: string, more = ''): Promise<unknown> =>
  test.raw(
    `insert into jobs (user_id, title${more === '' ? '' : ', priority'}) values ($1, $2${more})`,
    ALICE,
    title,
  )

const state = async (): Promise<readonly unknown[]> =>
  (await test.raw('select status, attempts, lease_token is null, last_error from jobs'))[0] ?? []

const take = async () => {
  const { claims } = await jobClaims.claim(test.service)
  const [claim] = claims
  if (claim === undefined) throw new Error('Nothing to claim')
  return claim
}

/** The leases of all rows ran out so many seconds ago: long enough, unless it says otherwise, for any backoff. */
const expire = (secondsAgo = 3600) =>
  test.raw(
    `
    with presented as materialized (
      select set_config('tenantry.lease_tokens', (select string_agg(lease_token::text, ',') from jobs), true) as tokens
    )
    update jobs set available_at = now() - make_interval(secs => $1) from presented where tokens is not null`,
    secondsAgo,
  )

const makeDue = () => test.raw(`update jobs set available_at = now() where status = 'queued'`)

describe('claiming', () => {
  it('hands out each row once, by priority and then in order of availability', async () => {
    await add('first')
    await add('second')
    await add('urgent', ', 5')
    const { claims } = await jobClaims.claim(test.service, { limit: 2 })
    expect(claims.map(({ row }) => row.title)).toEqual(expect.arrayContaining(['urgent', 'first']))
    const rest = await jobClaims.claim(test.service, { limit: 5 })
    expect(rest.claims.map(({ row }) => row.title)).toEqual(['second'])
    expect(await jobClaims.claim(test.service, { limit: 5 })).toEqual({ claims: [], abandoned: [] })
  })

  it('gives the row typed, with its tenant, its token and the attempt', async () => {
    await add('typed')
    const claim = await take()
    expect(claim).toMatchObject({
      tenant: ALICE,
      attempt: 1,
      row: { userId: ALICE, title: 'typed', status: 'fetching', attempts: 1 },
    })
    expect(claim.row.leaseToken).toBe(claim.token)
    expect(claim.row.createdAt).toBeInstanceOf(Date)
    expect(claim.row.startedAt).toBeInstanceOf(Date)
  })

  it('sees one tenant where the executor is bound to one', async () => {
    await add('of alice')
    await test.raw(`insert into jobs (user_id) values ($1)`, BOB)
    const { claims } = await jobClaims.claim(bindTenant(test.service, BOB), { limit: 10 })
    expect(claims.map(({ tenant }) => tenant)).toEqual([BOB])
    const [claim] = claims
    await expect(
      jobClaims.finishAll(bindTenant(test.service, ALICE), claim === undefined ? [] : [{ claim }]),
    ).rejects.toThrow(IsolationError)
  })

  it('is not for a tenant', async () => {
    const alice = tenantExecutor(test.database, tenancy, { userId: ALICE })
    await expect(jobClaims.claim(alice)).rejects.toThrow(IsolationError)
  })
})

describe('finishing', () => {
  it('writes the result with the step, and forgets the last error', async () => {
    await add('one')
    await jobClaims.finish(test.service, await take(), {
      set: { result: { words: 7 }, title: `it's "done"` },
    })
    expect(await test.raw('select status, result, title, last_error from jobs')).toEqual([
      ['done', { words: 7 }, `it's "done"`, null],
    ])
  })

  it('takes several rows with different values and states, and answers for each in order', async () => {
    for (const title of ['a', 'b', 'c']) await add(title)
    const { claims } = await jobClaims.claim(test.service, { limit: 3 })
    const [a, b, c] = claims
    if (a === undefined || b === undefined || c === undefined) throw new Error('Three were added')
    const forged = { ...b, token: a.token }
    const outcomes = await jobClaims.finishAll(test.service, [
      { claim: a, set: { result: { words: 1 } } },
      { claim: forged },
      { claim: c, to: 'empty' },
    ])
    expect(outcomes).toEqual(['finished', 'stale', 'finished'])
    expect(
      await test.raw(
        'select status, result from jobs where id = any($1::uuid[]) order by array_position($1::uuid[], id)',
        [a.id, b.id, c.id],
      ),
    ).toEqual([
      ['done', { words: 1 }],
      ['fetching', null],
      ['empty', null],
    ])
  })

  it('is refused to a holder whose row was taken over, and nothing is changed', async () => {
    await add('one')
    const late = await take()
    await expire()
    const second = await take()
    expect(second).toMatchObject({ id: late.id, attempt: 2 })
    await expect(jobClaims.finish(test.service, late)).rejects.toThrow(StaleTransitionError)
    await expect(jobClaims.fail(test.service, late, 'late')).rejects.toThrow(StaleTransitionError)
    await expect(jobClaims.renew(test.service, late)).rejects.toThrow(StaleTransitionError)
    expect(await jobClaims.release(test.service, [late])).toEqual(['stale'])
    await jobClaims.finish(test.service, second)
    await expect(jobClaims.finish(test.service, late)).rejects.toThrow(StaleTransitionError)
    expect(await state()).toEqual(['done', 2, false, null])
  })

  it('again with the same token says so and changes nothing', async () => {
    await add('one')
    const claim = await take()
    expect(await jobClaims.finish(test.service, claim, { set: { title: 'first' } })).toBe('finished')
    expect(await jobClaims.finish(test.service, claim, { set: { title: 'second' } })).toBe('repeated')
    expect(await test.raw('select title from jobs')).toEqual([['first']])
  })

  it('is possible after the lease ran out, as long as nobody took the row over', async () => {
    await add('one')
    const claim = await take()
    await expire()
    await jobClaims.finish(test.service, claim)
    expect((await state())[0]).toBe('done')
  })
})

describe('failing', () => {
  it('puts the row back with its reason, to be tried again after a wait that doubles, up to its cap', async () => {
    await add('one')
    for (const [attempt, min, max] of [
      [1, 5, 10],
      [2, 7.5, 15],
    ] as const) {
      const claim = await take()
      expect(claim.attempt).toBe(attempt)
      expect(await jobClaims.fail(test.service, claim, 'no luck')).toBe('retried')
      const [[wait]] = (await test.raw(
        `select extract(epoch from available_at - clock_timestamp())::float8 from jobs`,
      )) as [[number]]
      expect(wait).toBeGreaterThan(min - 1)
      expect(wait).toBeLessThanOrEqual(max)
      expect(await state()).toEqual(['queued', attempt, true, 'no luck'])
      expect((await jobClaims.claim(test.service)).claims).toEqual([])
      await makeDue()
    }
    expect(await jobClaims.fail(test.service, await take(), 'for good')).toBe('failed')
    expect((await state()).slice(0, 2)).toEqual(['failed', 3])
  })

  it('gives up at once when the failure is final', async () => {
    await add('one')
    expect(await jobClaims.fail(test.service, await take(), 'bad input', { final: true })).toBe('failed')
    expect(await state()).toEqual(['failed', 1, false, 'bad input'])
  })

  it('a row that was put back by hand starts over', async () => {
    await add('one')
    await jobClaims.fail(test.service, await take(), 'bad input', { final: true })
    await test.raw(`update jobs set status = 'queued'`)
    expect(await state()).toEqual(['queued', 0, true, null])
    expect((await take()).attempt).toBe(1)
  })

  it('a row whose lease ran out waits like one that failed, and its holder can still finish it', async () => {
    await add('one')
    for (const [attempt, seconds] of [
      [1, 10],
      [2, 15],
    ] as const) {
      expect((await take()).attempt).toBe(attempt)
      await expire(seconds - 1)
      expect(await jobClaims.claim(test.service, { limit: 5 })).toEqual({ claims: [], abandoned: [] })
      await expire(seconds)
    }
    const last = await take()
    expect(await state()).toEqual(['fetching', 3, false, 'the lease of attempt 2 ran out'])
    await expire(0)
    await jobClaims.finish(test.service, last)
  })

  it('gives up a row whose last lease ran out, at once, and says why', async () => {
    await add('one')
    for (let attempt = 1; attempt <= 3; attempt++) {
      await take()
      await expire(attempt === 3 ? 0 : 3600)
    }
    const batch = await jobClaims.claim(test.service)
    expect(batch).toMatchObject({ claims: [], abandoned: [{ tenant: ALICE }] })
    expect(await state()).toEqual(['timeout', 3, false, 'the lease of attempt 3 ran out'])
  })
})

describe('holding', () => {
  it('renews from now on, moves on through the working states, and writes what is known so far', async () => {
    await add('one')
    const claim = await take()
    await jobClaims.renew(test.service, claim, { leaseSeconds: 600, to: 'writing', set: { title: 'half' } })
    const [row] = await test.raw(
      `select status, title, available_at > now() + interval '590 s', attempts from jobs`,
    )
    expect(row).toEqual(['writing', 'half', true, 1])
    await expect(jobClaims.renew(test.service, claim, { to: 'fetching' })).resolves.toBeUndefined()
    await jobClaims.finish(test.service, claim)
  })

  it('releases a row as if it had never been claimed', async () => {
    await add('one')
    expect(await jobClaims.release(test.service, [await take()])).toEqual(['released'])
    expect(await state()).toEqual(['queued', 0, true, null])
    expect((await take()).attempt).toBe(1)
  })
})

it('backlog tells what waits, what runs and what is stuck', async () => {
  for (const title of ['a', 'b', 'c', 'd']) await add(title)
  await take()
  await expire(0)
  const { claims } = await jobClaims.claim(test.service, { limit: 2 })
  const [, other] = claims
  if (other !== undefined) await jobClaims.fail(test.service, other, 'later')
  await test.raw(`insert into outputs (user_id) values ($1)`, ALICE)
  expect(await jobClaims.backlog(test.service)).toMatchObject({
    ready: 1,
    delayed: 1,
    working: 1,
    expired: 1,
  })
  await expire()
  const backlog = await jobClaims.backlog(test.service)
  expect(backlog).toMatchObject({ working: 0, expired: 2 })
  expect(backlog.oldestReadySeconds).toBeGreaterThan(0)
  expect(backlog.longestExpiredSeconds).toBeGreaterThan(0)
  expect(await outputClaims.backlog(test.service)).toMatchObject({
    ready: 1,
    oldestReadySeconds: expect.any(Number) as number,
  })
})

it('a state of an enum type is claimed, taken over, finished and failed just the same', async () => {
  await test.raw(`insert into outputs (user_id) values ($1), ($1)`, ALICE)
  const { claims } = await outputClaims.claim(test.service, { limit: 2 })
  const [first, second] = claims
  if (first === undefined || second === undefined) throw new Error('Two were added')
  expect(first.row.status).toBe('processing')
  await outputClaims.finish(test.service, first, { set: { body: 'text' } })
  expect(await outputClaims.fail(test.service, second, 'no')).toBe('retried')
  expect(await test.raw('select status::text, body from outputs order by status::text')).toEqual([
    ['completed', 'text'],
    ['queued', null],
  ])
})
