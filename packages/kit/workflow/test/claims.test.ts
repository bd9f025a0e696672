import { ConfigurationError, IsolationError, StaleTransitionError } from '@tenantry/core'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { bindTenant, tenantExecutor } from '@tenantry/rls'
import { describeOnServer } from '@tenantry/testing/vitest'
import { jobClaims, objects, outputClaims, schema, tenancy } from './support/jobs.ts'
import { ALICE, BOB, createSystem, latch, type Setup } from './support/setup.ts'

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

describe('finishing and claiming in one', () => {
  const hold = async (count: number) => {
    for (let index = 1; index <= count; index++) await add(`held ${index}`)
    return (await jobClaims.claim(test.service, { limit: count })).claims
  }
  const titles = (claims: readonly { readonly row: { readonly title: string } }[]) =>
    claims.map(({ row }) => row.title).sort()

  it.each([
    ['one for one', 1, 1],
    ['one for several', 1, 3],
    ['several for one', 3, 1],
    ['several for more than wait', 2, 5],
  ])('finishes what is held and takes the next: %s', async (_what, held, limit) => {
    const claims = await hold(held)
    const next = ['next 1', 'next 2', 'next 3']
    for (const title of next) await add(title)
    const { outcomes, batch } = await jobClaims.finishAndClaim(
      test.service,
      claims.map((claim, index) => ({ claim, set: { result: { words: index } } })),
      { limit },
    )
    expect(outcomes).toEqual(claims.map(() => 'finished'))
    expect(titles(batch.claims)).toEqual(next.slice(0, limit))
    expect(batch.claims[0]).toMatchObject({ tenant: ALICE, attempt: 1, row: { status: 'fetching' } })
    expect(batch.claims[0]?.row.leaseToken).toBe(batch.claims[0]?.token)
    expect(
      await test.raw(`select (result ->> 'words')::integer from jobs where status = 'done' order by 1`),
    ).toEqual(claims.map((_claim, index) => [index]))
  })

  it.each([1, 2])('with nothing left to take, %s rows are finished all the same', async (held) => {
    const claims = await hold(held)
    const { outcomes, batch } = await jobClaims.finishAndClaim(
      test.service,
      claims.map((claim) => ({ claim })),
      { limit: held },
    )
    expect({ outcomes, batch }).toEqual({
      outcomes: claims.map(() => 'finished'),
      batch: { claims: [], abandoned: [] },
    })
  })

  it('with nothing to finish it claims', async () => {
    await add('one')
    const { outcomes, batch } = await jobClaims.finishAndClaim(test.service, [])
    expect(outcomes).toEqual([])
    expect(titles(batch.claims)).toEqual(['one'])
  })

  it('answers for each row in order, whatever its values, and for those that it finds finished or lost', async () => {
    const [a, b, c, d] = await hold(4)
    if (a === undefined || b === undefined || c === undefined || d === undefined)
      throw new Error('Four were added')
    await jobClaims.finish(test.service, b)
    await add('next')
    const { outcomes, batch } = await jobClaims.finishAndClaim(test.service, [
      { claim: { ...a, token: d.token } },
      { claim: b, set: { title: 'again' } },
      { claim: c, to: 'empty', set: { title: 'other' } },
      { claim: d },
    ])
    expect(outcomes).toEqual(['stale', 'repeated', 'finished', 'finished'])
    expect(titles(batch.claims)).toEqual(['next'])
    expect(await test.raw(`select title from jobs where status = 'empty'`)).toEqual([['other']])
  })

  it.each([1, 2])(
    'a row that is finished after its lease ran out is not taken up again: %s',
    async (held) => {
      const claims = await hold(held)
      await expire()
      const { outcomes, batch } = await jobClaims.finishAndClaim(
        test.service,
        claims.map((claim) => ({ claim })),
        { limit: 5 },
      )
      expect(outcomes).toEqual(claims.map(() => 'finished'))
      expect(batch).toEqual({ claims: [], abandoned: [] })
      expect(await test.raw('select distinct status, attempts from jobs')).toEqual([['done', 1]])
    },
  )

  it('takes over what others let run out, and gives up what is out of attempts', async () => {
    await add('worn out')
    for (let attempt = 1; attempt <= 2; attempt++) {
      await take()
      await expire()
    }
    await add('left')
    await jobClaims.claim(test.service, { limit: 2 })
    await expire()
    await add('held', ', 9')
    const held = await take()
    const { batch } = await jobClaims.finishAndClaim(test.service, [{ claim: held }], { limit: 5 })
    expect(titles(batch.claims)).toEqual(['left'])
    expect(batch.abandoned).toHaveLength(1)
    expect(await test.raw(`select status from jobs where title = 'worn out'`)).toEqual([['timeout']])
  })

  it('when a value is refused nothing is finished and nothing taken', async () => {
    const [held] = await hold(1)
    await add('next')
    await expect(
      jobClaims.finishAndClaim(test.service, [
        { claim: held ?? (await take()), set: { startedAt: new Date(8.64e15) } },
      ]),
    ).rejects.toThrow()
    expect(await test.raw('select title, status from jobs order by title')).toEqual([
      ['held 1', 'fetching'],
      ['next', 'queued'],
    ])
  })

  it('keeps to one tenant where the executor is bound to one', async () => {
    const [held] = await hold(1)
    if (held === undefined) throw new Error('One was added')
    await test.raw(`insert into jobs (user_id) values ($1)`, BOB)
    const bob = bindTenant(test.service, BOB)
    await expect(jobClaims.finishAndClaim(bob, [{ claim: held }])).rejects.toThrow(IsolationError)
    const { batch } = await jobClaims.finishAndClaim(bindTenant(test.service, ALICE), [{ claim: held }], {
      limit: 5,
    })
    expect(batch.claims).toEqual([])
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

describe('many rows', () => {
  it.each([['a claim'], ['a claim that finishes']])(
    'come in the order in which they are to be done: %s',
    async (what) => {
      await add('held')
      const held = await take()
      await test.raw(
        `insert into jobs (user_id, title, priority, available_at)
       select $1, n::text, n % 3, now() - make_interval(secs => n) from generate_series(1, 200) as n`,
        ALICE,
      )
      await test.raw('analyze jobs')
      const expected = await test.raw(
        `select title from jobs where status = 'queued' order by priority desc nulls last, available_at limit 60`,
      )
      const { claims } =
        what === 'a claim'
          ? await jobClaims.claim(test.service, { limit: 60 })
          : (await jobClaims.finishAndClaim(test.service, [{ claim: held }], { limit: 60 })).batch
      expect(claims.map(({ row }) => [row.title])).toEqual(expected)
    },
  )

  it.each([0, 0.5, -1, Number.NaN])('are counted in whole numbers: %s is none', async (limit) => {
    await expect(jobClaims.claim(test.service, { limit })).rejects.toThrow(ConfigurationError)
  })
})

/** How many statements wait for a lock of another transaction. */
const WAITING = `select count(*)::integer from pg_stat_activity
  where datname = current_database() and wait_event_type = 'Lock'`

describeOnServer('a row that another session has locked', () => {
  /** Holds the lock of a row's until it is told to let go; answers when. */
  const locked = async (id: string) => {
    const [taken, released] = [latch(), latch()]
    const ended = test.database.driver.transaction({}, async (connection) => {
      await connection.query({ text: 'select id from jobs where id = $1 for update', params: [id] })
      taken.open()
      await released.opened
      const { rows } = await connection.query({ text: 'select clock_timestamp()::text', params: [] })
      return String(rows[0]?.[0])
    })
    await taken.opened
    return () => {
      released.open()
      return ended
    }
  }
  const two = async () => {
    for (const title of ['first', 'second']) await add(title)
    const { claims } = await jobClaims.claim(test.service, { limit: 2 })
    const [first, second] = claims
    if (first === undefined || second === undefined) throw new Error('Two were added')
    return { first, second }
  }

  it('keeps no other lease from being renewed', async () => {
    const { first, second } = await two()
    const unlock = await locked(first.id)
    expect(await jobClaims.renewAll(test.service, [first, second], { leaseSeconds: 600 })).toEqual([
      'busy',
      'renewed',
    ])
    await unlock()
    expect(await jobClaims.renewAll(test.service, [first], { leaseSeconds: 600 })).toEqual(['renewed'])
  })

  it('keeps nobody from claiming: it is left to be finished by itself', async () => {
    const { first, second } = await two()
    await add('next')
    const unlock = await locked(first.id)
    const { outcomes, batch } = await jobClaims.finishAndClaim(
      test.service,
      [{ claim: first }, { claim: second }],
      { limit: 2 },
    )
    expect(outcomes).toEqual(['busy', 'finished'])
    expect(batch.claims.map(({ row }) => row.title)).toEqual(['next'])
    const finishing = jobClaims.finishAll(test.service, [{ claim: first }])
    await unlock()
    expect(await finishing).toEqual(['finished'])
  })

  it('has a whole lease from when it could be renewed', async () => {
    const { first } = await two()
    const unlock = await locked(first.id)
    const renewing = jobClaims.renew(test.service, first, { leaseSeconds: 600 })
    await expect.poll(() => test.raw(WAITING)).toEqual([[1]])
    const unlocked = await unlock()
    await renewing
    expect(
      await test.raw(
        `select available_at - interval '600 s' >= $2::timestamptz from jobs where id = $1`,
        first.id,
        unlocked,
      ),
    ).toEqual([[true]])
  })

  it('and finishes with the same token is repeated, not lost, to who waited for that', async () => {
    const { first } = await two()
    const [done, release] = [latch(), latch()]
    const finishing = test.service.transaction(async (within) => {
      await jobClaims.finish(within, first)
      done.open()
      await release.opened
    })
    await done.opened
    const waiting = jobClaims.finishAll(test.service, [{ claim: first }])
    await expect.poll(() => test.raw(WAITING)).toEqual([[1]])
    release.open()
    await finishing
    expect(await waiting).toEqual(['repeated'])
  })
})

describe('a row that a trigger of the host’s ends as it is claimed', () => {
  it.each([1, 5])('is not handed out: %s at most', async (limit) => {
    await test.raw(
      `create function end_it() returns trigger language plpgsql as 'begin new.status := ''cancelled''; return new; end'`,
    )
    await test.raw(
      `create trigger a_end before update on jobs for each row
       when (new.status = 'fetching' and new.title = 'ended') execute function end_it()`,
    )
    try {
      await add('held', ', 9')
      await add('ended', ', 5')
      const held = await take()
      const { batch } = await jobClaims.finishAndClaim(test.service, [{ claim: held }], { limit })
      expect(batch).toMatchObject({ claims: [], abandoned: [{ tenant: ALICE }] })
      await test.raw(`delete from jobs`)
      await add('ended')
      expect(await jobClaims.claim(test.service, { limit })).toMatchObject({
        claims: [],
        abandoned: [{ tenant: ALICE }],
      })
    } finally {
      await test.raw('drop function end_it() cascade')
    }
  })
})

describe('what a token has finished', () => {
  it('is neither renewed nor failed by it, and says so', async () => {
    await add('one')
    const claim = await take()
    await jobClaims.finish(test.service, claim)
    expect(await jobClaims.renewAll(test.service, [claim])).toEqual(['repeated'])
    expect(await jobClaims.failAll(test.service, [{ claim, reason: 'late' }])).toEqual(['repeated'])
    await expect(jobClaims.fail(test.service, claim, 'late')).rejects.toThrow(StaleTransitionError)
    expect(await state()).toEqual(['done', 1, false, null])
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
