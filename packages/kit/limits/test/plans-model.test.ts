/**
 * Random histories against a model that is a few lines of arithmetic. Laws:
 * - a call is admitted exactly when used + reserved + amount ≤ cap, in a standing that consumes;
 * - used, reserved and overage of each period are what the model says, so reserved is the sum of pending holds, and
 *   used + overage is the sum of what was consumed and committed;
 * - a hold is resolved once, and lands in the period in which it was made;
 * - a key is one effect;
 * - counters of rows are count(*) after any history of inserts, updates, deletes, moves, conflicts and TRUNCATE.
 */
import assert from 'node:assert/strict'
import { PlanLimitError } from '@tenantry/core'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createStudio, plans, type Studio } from './support/studio.ts'

const CAPS = { starter: 10, growth: 30, agency: Number.POSITIVE_INFINITY } as const
const PILLARS = { starter: 2, growth: 5, agency: 10 } as const
type Plan = keyof typeof CAPS

const DAY_MS = 24 * 3_600_000
const START = Date.UTC(2031, 0, 20)

let test: Studio
beforeAll(async () => {
  test = await createStudio()
})
afterAll(() => test.close())

interface HoldModel {
  readonly id: string
  readonly key: string
  readonly amount: number
  readonly month: string
  readonly expires: number
  state: 'pending' | 'committed' | 'released' | 'expired' | 'late'
  actual: number
}

/** What an account has, and what it should answer. */
class Account {
  plan: Plan = 'starter'
  consuming = true
  readonly months = new Map<string, { used: number; overage: number }>()
  readonly holds: HoldModel[] = []
  readonly keys = new Map<string, number>()
  readonly id: string
  constructor(id: string) {
    this.id = id
  }

  month(month: string): { used: number; overage: number } {
    const known = this.months.get(month) ?? { used: 0, overage: 0 }
    this.months.set(month, known)
    return known
  }
  reserved(month: string): number {
    return this.holds
      .filter((hold) => hold.month === month && hold.state === 'pending')
      .reduce((sum, { amount }) => sum + amount, 0)
  }
  fits(month: string, amount: number): boolean {
    return this.consuming && this.month(month).used + this.reserved(month) + amount <= CAPS[this.plan]
  }
}

class World {
  now = START
  readonly accounts: readonly [Account, Account]
  constructor(accounts: readonly [Account, Account]) {
    this.accounts = accounts
  }
  of(which: 0 | 1): Account {
    return this.accounts[which]
  }
  get month(): string {
    return new Date(this.now).toISOString().slice(0, 7)
  }
  /** Holds in the way are expired by whoever needs their room. */
  expireDue(account: Account): void {
    for (const hold of account.holds) {
      if (hold.state === 'pending' && hold.expires <= this.now) hold.state = 'expired'
    }
  }
}

type Command = (world: World) => Promise<void>

/** The answer says so, whatever else it says. */
function said(answer: object | string, wanted: Readonly<Record<string, unknown>>): void {
  assert(typeof answer === 'object', String(answer))
  for (const [name, value] of Object.entries(wanted)) assert.equal(Reflect.get(answer, name), value, name)
}

/** True: admitted. */
async function admitted(call: Promise<unknown>): Promise<boolean> {
  try {
    await call
    return true
  } catch (error) {
    if (error instanceof PlanLimitError) return false
    throw error
  }
}

const which = fc.constantFrom<0 | 1>(0, 1)
const amount = fc.integer({ min: 1, max: 12 })
const key = fc.constantFrom('a', 'b', 'c')

/** Holds that have run out make room for whoever it is enough for; a denial writes nothing, their end neither. */
const take = (world: World, account: Account, n: number): boolean => {
  if (account.fits(world.month, n)) return true
  const due = account.holds.filter(
    ({ month, state, expires }) => month === world.month && state === 'pending' && expires <= world.now,
  )
  const room = due.reduce((sum, { amount }) => sum + amount, 0)
  if (!account.fits(world.month, n - room)) return false
  world.expireDue(account)
  return true
}

const consume = fc.tuple(which, amount).map(([who, n]): Command => async (world) => {
  const account = world.of(who)
  const admits = take(world, account, n)
  assert.equal(await admitted(test.limits(account.id).consume('posts', n)), admits)
  if (admits) account.month(world.month).used += n
})

const consumeOnce = fc
  .tuple(which, fc.integer({ min: 1, max: 3 }), key)
  .map(([who, n, of]): Command => async (world) => {
    const account = world.of(who)
    const name = `effect ${of} ${n}`
    const known = account.keys.has(name)
    const admits = known || take(world, account, n)
    assert.equal(await admitted(test.limits(account.id).consume('posts', n, { key: name })), admits)
    if (admits && !known) {
      account.keys.set(name, n)
      account.month(world.month).used += n
    }
  })

const hold = fc
  .tuple(which, amount, key, fc.integer({ min: 1, max: 20 }))
  .map(([who, n, of, days]): Command => async (world) => {
    const account = world.of(who)
    const name = `hold ${of} ${n} ${days}`
    const ttlMs = days * DAY_MS
    const over = account.holds.filter(
      (known) => known.key === name && known.state === 'pending' && known.expires <= world.now,
    )
    for (const known of over) known.state = 'expired'
    const live = account.holds.find(
      ({ key: of, state }) => of === name && (state === 'pending' || state === 'committed'),
    )
    const call = () => test.limits(account.id).hold('posts', n, { key: name, ttlMs })
    if (live !== undefined) {
      said(await call(), { id: live.id, state: live.state, replayed: true })
      return
    }
    const admits = take(world, account, n)
    if (!admits) {
      assert.equal(await admitted(call()), false)
      for (const known of over) known.state = 'pending'
      return
    }
    const made = await call()
    account.holds.push({
      id: made.id,
      key: name,
      amount: n,
      month: world.month,
      expires: world.now + ttlMs,
      state: 'pending',
      actual: 0,
    })
  })

const resolve = fc
  .tuple(which, fc.nat(), fc.integer({ min: 0, max: 15 }), fc.boolean())
  .map(([who, index, actual, commits]): Command => async (world) => {
    const account = world.of(who)
    const known = account.holds[index % Math.max(1, account.holds.length)]
    if (known === undefined) return
    const limits = test.limits(account.id)
    const done = known.state === 'committed' || known.state === 'late'
    if (!commits) {
      const outcome = await limits.release(known).catch((error: { code: string }) => error.code)
      if (done) assert.equal(outcome, 'TENANTRY_STALE_TRANSITION')
      else if (known.state === 'pending') known.state = 'released'
      return
    }
    const outcome = await limits.commit(known, actual).catch((error: { code: string }) => error.code)
    if (known.state === 'released') return assert.equal(outcome, 'TENANTRY_STALE_TRANSITION')
    if (done) {
      return known.actual === actual
        ? said(outcome, { state: known.state, replayed: true })
        : assert.equal(outcome, 'TENANTRY_IDEMPOTENCY')
    }
    const counter = account.month(known.month)
    if (known.state === 'pending' && known.expires > world.now) {
      known.state = 'committed'
      const within = Math.min(actual, known.amount)
      // The cap of a period that has ended is the last that it had.
      const cap = Number((await capOf(account.id, known.month)) ?? Number.POSITIVE_INFINITY)
      const room = Math.max(0, cap - counter.used - account.reserved(known.month) - within)
      const used = within + Math.min(actual - within, room)
      counter.used += used
      counter.overage += actual - used
    } else {
      known.state = 'late'
      counter.overage += actual
    }
    known.actual = actual
    said(outcome, { state: known.state, actual, replayed: false })
  })

async function capOf(account: string, month: string): Promise<unknown> {
  const [[cap] = []] = await test.raw(
    `select cap::float8 from tenantry.limit_counters where account = $1 and feature = 'posts' and starts = ($2 || '-01 00:00Z')::timestamptz`,
    account,
    month,
  )
  return cap
}

const advance = fc.integer({ min: 1, max: 18 }).map((days): Command => async (world) => {
  world.now += days * DAY_MS
  await test.setClock(new Date(world.now).toISOString())
})

const expire = fc.constant<Command>(async (world) => {
  await test.raw('select tenantry.limit_expire(1000)')
  for (const account of world.accounts) world.expireDue(account)
})

const change = fc
  .tuple(
    which,
    fc.constantFrom<Plan>('starter', 'growth', 'agency'),
    fc.constantFrom('active', 'active', 'paused'),
  )
  .map(([who, plan, status]): Command => async (world) => {
    const account = world.of(who)
    await test.raw(
      'update subscriptions set plan = $2, status = $3 where user_id = $1',
      account.id,
      plan,
      status,
    )
    account.plan = plan
    account.consuming = status === 'active'
  })

/** One statement on the rows, and what it must have done to their number; judged by `count(*)` itself. */
const rows = fc
  .tuple(
    which,
    fc.constantFrom('insert', 'archive', 'revive', 'delete', 'move', 'upsert', 'merge', 'truncate', 'undo'),
    fc.integer({ min: 1, max: 4 }),
  )
  .map(([who, what, n]): Command => async (world) => {
    const [account, other] = [world.of(who), world.of(who === 0 ? 1 : 0)]
    const [some, params] = [
      `id in (select id from pillars where user_id = $1 order by id limit ${n})`,
      [account.id],
    ]
    const statement = {
      insert: `insert into pillars (user_id) select $1::uuid from generate_series(1, ${n})`,
      archive: `update pillars set status = 'archived' where ${some}`,
      revive: `update pillars set status = 'active' where ${some}`,
      delete: `delete from pillars where ${some}`,
      move: `update pillars set user_id = '${other.id}' where ${some}`,
      upsert: `insert into pillars (id, user_id) select id, user_id from pillars where user_id = $1 union all select gen_random_uuid(), $1 on conflict (id) do nothing`,
      merge: `merge into pillars using (select id from pillars where user_id = $1 union all select gen_random_uuid()) as source on pillars.id = source.id
        when matched and pillars.status = 'archived' then delete when matched then update set status = 'archived' when not matched then insert (id, user_id) values (source.id, $1)`,
      truncate: 'truncate pillars',
      undo: `insert into pillars (user_id) select $1::uuid from generate_series(1, ${n})`,
    }[what]
    const [before, theirs] = [await liveOf(account), await liveOf(other)]
    const admits = await admitted(
      what === 'undo' ? undo(statement, params) : test.raw(statement, ...(what === 'truncate' ? [] : params)),
    )
    const [after, theirsAfter] = [await liveOf(account), await liveOf(other)]
    if (admits) {
      // It grew only as far as the plan goes; shrinking and staying are always legal.
      if (after > before) assert(account.consuming && after <= PILLARS[account.plan])
      if (theirsAfter > theirs) assert(other.consuming && theirsAfter <= PILLARS[other.plan])
    } else {
      assert.deepEqual([after, theirsAfter], [before, theirs])
      if (what === 'insert') assert(!(account.consuming && before + n <= PILLARS[account.plan]))
      assert(!['archive', 'delete', 'truncate'].includes(what))
    }
  })

async function undo(statement: string, params: readonly unknown[]): Promise<void> {
  const back = new Error('undo')
  await test.database.driver
    .transaction({}, async (connection) => {
      await connection.query({ text: statement, params })
      throw back
    })
    .catch((error: unknown) => {
      if (error !== back) throw error
    })
}

const liveOf = async ({ id }: Account): Promise<number> =>
  Number(
    (
      await test.raw(
        `select count(*) from pillars where user_id = $1 and status not in ('inactive', 'archived')`,
        id,
      )
    )[0]?.[0],
  )

const command = fc.oneof(
  { weight: 3, arbitrary: consume },
  { weight: 1, arbitrary: consumeOnce },
  { weight: 3, arbitrary: hold },
  { weight: 4, arbitrary: resolve },
  { weight: 2, arbitrary: advance },
  { weight: 1, arbitrary: expire },
  { weight: 1, arbitrary: change },
  { weight: 4, arbitrary: rows },
)

it('counters are what a history of any calls makes of them', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(command, { minLength: 5, maxLength: 40, size: 'max' }), async (commands) => {
      await test.setClock(new Date(START).toISOString())
      await test.raw('truncate pillars')
      const world = new World([
        new Account(await test.subscribe('starter')),
        new Account(await test.subscribe('starter')),
      ])
      for (const run of commands) await run(world)
      for (const account of world.accounts) {
        const counted = await test.raw(
          `select to_char(starts at time zone 'UTC', 'YYYY-MM'), used::float8, reserved::float8, overage::float8
          from tenantry.limit_counters where account = $1 and feature = 'posts' and (used, reserved, overage) <> (0, 0, 0) order by starts`,
          account.id,
        )
        const modelled = [...account.months]
          .toSorted(([a], [b]) => a.localeCompare(b))
          .map(([month, { used, overage }]) => [month, used, account.reserved(month), overage])
        expect(counted).toEqual(modelled.filter((row) => row.slice(1).some((n) => n !== 0)))
        expect((await test.used(account.id, 'pillars')) ?? 0).toBe(await liveOf(account))
      }
      for (const check of plans.module.checks ?? []) {
        expect(await test.database.driver.transaction({}, (connection) => check.run(connection))).toEqual([])
      }
    }),
    { numRuns: 50 },
  )
})
