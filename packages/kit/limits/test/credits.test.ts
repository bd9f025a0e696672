import { randomUUID } from 'node:crypto'
import {
  ConfigurationError,
  CursorError,
  type Finding,
  IdempotencyError,
  IsolationError,
  LimitError,
  NotFoundError,
  StaleTransitionError,
  ValidationError,
} from '@tenantry/core'
import { verifyIsolation } from '@tenantry/rls'
import { integer, pgTable, uuid } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Credits, defineCredits, InsufficientCreditsError } from '../src/index.ts'
import { createCredits, credits, pointOptions, points, tenant } from './support/credits.ts'
import type { TestSystem } from './support/system.ts'

let test: TestSystem
beforeAll(async () => {
  test = await createCredits()
})
afterAll(() => test.close())

const HOUR = 3_600_000
const inHours = (hours: number) => new Date(Date.now() + hours * HOUR)

async function account(of: Credits, amount?: number) {
  const user = randomUUID()
  if (amount !== undefined) await of.earn(test.service(user), { amount, source: 'gift' })
  return { user, mine: test.as(user), service: test.service(user) }
}

async function kinds(of: Credits, user: string) {
  const { items } = await of.history(test.as(user))
  return items.toReversed().map(({ kind, amount, balanceAfter }) => [kind, amount, balanceAfter])
}

const thrown = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => undefined,
    (error: unknown) => error,
  )

describe.each([
  ['in tables of their own', credits],
  ["in a host's tables", points],
] as const)('credits %s', (_, of) => {
  it('are the sum of what came and went, each with a number and the balance after it', async () => {
    const { user, mine, service } = await account(of)
    expect(await of.balance(mine)).toBe(0)
    expect(await of.earn(service, { amount: 30, source: 'purchase', description: 'Starter' })).toEqual({
      version: 1,
      balance: 30,
      replayed: false,
    })
    expect(await of.spend(mine, { amount: 12, source: 'enhancement' })).toEqual({
      version: 2,
      balance: 18,
      replayed: false,
    })
    expect(await of.balance(mine)).toBe(18)
    const { items, nextCursor } = await of.history(mine)
    expect(nextCursor).toBeNull()
    expect(items).toMatchObject([
      { version: 2, kind: 'spent', amount: -12, balanceAfter: 18, source: 'enhancement', description: null },
      {
        version: 1,
        kind: 'earned',
        amount: 30,
        balanceAfter: 30,
        source: 'purchase',
        description: 'Starter',
      },
    ])
    expect(items[0]?.createdAt).toBeInstanceOf(Date)
    expect(await kinds(of, randomUUID())).toEqual([])
    expect(await kinds(of, user)).toHaveLength(2)
  })

  it('are not spent where there are too few: the error says how many, and nothing is written', async () => {
    const { user, mine } = await account(of, 5)
    const state = () =>
      test.raw(
        `select to_jsonb(b), b.xmin, b.xmax from ${of === credits ? 'tenantry.credits_balances as b where tenant' : 'point_balances as b where user_id'} = $1`,
        user,
      )
    const before = await state()
    const error = await thrown(of.spend(mine, { amount: 6, source: 'enhancement', idempotencyKey: 'job 1' }))
    expect(error).toBeInstanceOf(InsufficientCreditsError)
    expect(error).toBeInstanceOf(LimitError)
    expect((error as InsufficientCreditsError).toJSON()).toMatchObject({
      code: 'TENANTRY_LIMIT',
      reason: 'credits',
      httpStatus: 402,
      balance: 5,
      requested: 6,
    })
    expect(await state()).toEqual(before)
    expect(await thrown(of.spend(test.as(randomUUID()), { amount: 1, source: 'x' }))).toMatchObject({
      balance: 0,
    })
    // The failed call can be made again with its key.
    await of.earn(test.service(user), { amount: 1, source: 'gift' })
    expect(await of.spend(mine, { amount: 6, source: 'enhancement', idempotencyKey: 'job 1' })).toMatchObject(
      {
        balance: 0,
      },
    )
  })

  it('move once for a key: again it answers the first entry, for something else it is a conflict', async () => {
    const { user, mine, service } = await account(of, 10)
    const spend = { amount: 4, source: 'enhancement', idempotencyKey: 'job' }
    const first = await of.spend(mine, spend)
    await of.earn(service, { amount: 1, source: 'gift' })
    expect(await of.spend(mine, spend)).toEqual({ ...first, replayed: true })
    expect(await of.spend(service, spend)).toEqual({ ...first, replayed: true })
    for (const other of [
      { ...spend, amount: 5 },
      { ...spend, source: 'export' },
    ]) {
      expect(await thrown(of.spend(mine, other))).toBeInstanceOf(IdempotencyError)
    }
    expect(await thrown(of.earn(service, spend))).toBeInstanceOf(IdempotencyError)
    // Of another tenant it is another key.
    const other = await account(of, 10)
    expect(await of.spend(other.mine, spend)).toMatchObject({ replayed: false })
    expect(await kinds(of, user)).toHaveLength(3)
  })

  it('are reversed once: what was spent comes back, what was earned goes', async () => {
    const { user, mine, service } = await account(of, 10)
    const spent = await of.spend(mine, { amount: 4, source: 'enhancement' })
    const reversed = await of.reverse(service, spent.version, { description: 'failed' })
    expect(reversed).toEqual({ version: 3, balance: 10, replayed: false })
    expect(await of.reverse(service, spent.version)).toEqual({ version: 3, balance: 10, replayed: true })
    expect(await of.reverse(service, 1)).toEqual({ version: 4, balance: 0, replayed: false })
    expect(await kinds(of, user)).toEqual([
      ['earned', 10, 10],
      ['spent', -4, 6],
      ['reversed', 4, 10],
      ['reversed', -10, 0],
    ])
    expect((await of.history(mine)).items[1]).toMatchObject({ reverses: 2, description: 'failed' })
    expect(await thrown(of.reverse(service, 3))).toBeInstanceOf(StaleTransitionError)
    expect(await thrown(of.reverse(service, 99))).toBeInstanceOf(NotFoundError)
    expect(await thrown(of.reverse((await account(of)).service, 1))).toBeInstanceOf(NotFoundError)
  })

  it('that were spent can no longer be taken back', async () => {
    const { mine, service } = await account(of, 10)
    await of.spend(mine, { amount: 4, source: 'enhancement' })
    expect(await thrown(of.reverse(service, 1))).toBeInstanceOf(InsufficientCreditsError)
    expect(await of.balance(mine)).toBe(6)
  })

  it('that expire soonest are spent first, and those that never do, last', async () => {
    const { user, mine, service } = await account(of, 10)
    await of.earn(service, { amount: 10, source: 'promotion', expiresAt: inHours(48) })
    await of.earn(service, { amount: 10, source: 'promotion', expiresAt: inHours(24) })
    const { version } = await of.spend(mine, { amount: 15, source: 'enhancement' })
    const left = () =>
      test.raw(
        `select version, remaining from tenantry.${of === credits ? 'credits' : 'points'}_lots where tenant = $1 order by version`,
        user,
      )
    expect(await left()).toEqual([['2', '5']])
    await of.spend(mine, { amount: 10, source: 'enhancement' })
    expect(await left()).toEqual([])
    expect(await of.balance(mine)).toBe(5)
    // What comes back is what it was.
    await of.reverse(service, version)
    expect(await left()).toEqual([
      ['2', '5'],
      ['3', '10'],
    ])
    // An earning takes its own back first.
    await of.reverse(service, 2)
    expect(await left()).toEqual([['3', '5']])
    expect(await of.balance(mine)).toBe(10)
  })

  it('that have expired are gone at once; the job, or the next to post, writes it', async () => {
    const { user, mine, service } = await account(of, 3)
    await of.earn(service, { amount: 10, source: 'promotion', expiresAt: inHours(1) })
    await of.earn(service, { amount: 20, source: 'promotion', expiresAt: inHours(50) })
    const spent = await of.spend(mine, { amount: 4, source: 'enhancement' })
    await age(of, user, 2)
    expect(await of.balance(mine)).toBe(23)
    expect(await thrown(of.spend(mine, { amount: 24, source: 'enhancement' }))).toMatchObject({ balance: 23 })
    expect(await kinds(of, user)).toHaveLength(4)
    const [job] = of.module.jobs ?? []
    await test.database.driver.session(async (session) => {
      expect(await job?.run(session)).toMatchObject({ changed: 1 })
      expect(await job?.run(session)).toMatchObject({ changed: 0 })
    })
    expect((await kinds(of, user)).at(-1)).toEqual(['expired', -6, 23])
    // What was spent of them comes back, and goes, as it is too late for it.
    expect(await of.reverse(service, spent.version)).toMatchObject({ balance: 23 })
    expect((await kinds(of, user)).slice(-2)).toEqual([
      ['reversed', 4, 27],
      ['expired', -4, 23],
    ])
    await age(of, user, 60)
    await of.spend(mine, { amount: 1, source: 'enhancement' })
    expect((await kinds(of, user)).slice(-2)).toEqual([
      ['expired', -20, 3],
      ['spent', -1, 2],
    ])
    expect(await thrown(of.reverse(service, 5))).toBeInstanceOf(StaleTransitionError)
  })

  it("can't be moved by a tenant's own SQL, nor for another one", async () => {
    const [alice, bob] = [await account(of, 10), await account(of, 10)]
    const name = of === credits ? 'credits' : 'points'
    const [balances, entries, key] =
      of === credits
        ? ['tenantry.credits_balances', 'tenantry.credits_entries', 'tenant']
        : ['point_balances', 'point_transactions', 'user_id']
    for (const statement of [
      `update ${balances} set version = 9`,
      `delete from ${balances}`,
      `insert into ${balances} (${key}) values ('${randomUUID()}')`,
      `insert into ${entries} (${key}) values ('${alice.user}')`,
      `update ${entries} set amount = 1`,
      `delete from ${entries}`,
      `delete from tenantry.${name}_lots`,
      `select * from tenantry.post_${name}('${alice.user}', 'earned', 5, 'x', null, null, null)`,
      `select * from tenantry.reverse_${name}('${alice.user}', 1, null)`,
      `select tenantry.settle_${name}('${alice.user}', now())`,
      `select tenantry.expire_${name}(5)`,
      `select * from tenantry.spend_${name}('${bob.user}', 5, 'x', null, null)`,
      `select * from tenantry.spend_${name}(null, 5, 'x', null, null)`,
    ]) {
      await expect(test.rawAs('tenantry_tenant', statement, alice.user), statement).rejects.toThrow(
        IsolationError,
      )
    }
    await expect(of.earn(alice.mine, { amount: 1, source: 'x' })).rejects.toThrow(IsolationError)
    await expect(of.reverse(alice.mine, 1)).rejects.toThrow(IsolationError)
    expect(await of.balance(bob.mine)).toBe(10)
  })

  it("keep their entries and balances together against the service role's SQL, and the owner's", async () => {
    const { user, service } = await account(of, 10)
    const [balances, entries, key, balance] =
      of === credits
        ? ['tenantry.credits_balances', 'tenantry.credits_entries', 'tenant', 'balance']
        : ['point_balances', 'point_transactions', 'user_id', 'points']
    const kind = of === credits ? 'kind' : 'transaction_type'
    const statements = [
      `insert into ${entries} (${key}, ${kind}, amount, source, version, balance_after) values ('${user}', 'earned', 5, 'x', 2, 15)`,
      `update ${entries} set amount = 100`,
      `delete from ${entries}`,
      `update ${balances} set ${balance} = 100 where ${key} = '${user}'`,
      `update ${balances} set version = 100 where ${key} = '${user}'`,
      `insert into ${balances} (${key}, ${balance}) values ('${randomUUID()}', 100)`,
    ]
    for (const statement of statements) {
      await expect(test.rawAs('tenantry_service', statement), statement).rejects.toThrow(IsolationError)
      await expect(test.raw(statement), statement).rejects.toThrow(IsolationError)
    }
    // An account that was removed goes on where its entries end.
    await test.raw(`delete from ${balances} where ${key} = $1`, user)
    expect(await of.earn(service, { amount: 1, source: 'gift' })).toEqual({
      version: 2,
      balance: 11,
      replayed: false,
    })
  })

  it.each([
    { amount: 0 },
    { amount: -1 },
    { amount: 1.5 },
    { amount: Number.NaN },
    { amount: 1e13 },
    { source: '' },
    { idempotencyKey: '' },
  ])('refuse %o before anything is sent', async (wrong) => {
    const { service } = await account(of)
    await expect(of.earn(service, { amount: 1, source: 'x', ...wrong })).rejects.toThrow(ValidationError)
    await expect(of.spend(service, { amount: 1, source: 'x', ...wrong })).rejects.toThrow(ValidationError)
  })

  it('that would have expired before they came are refused; a replay is still one', async () => {
    const { service, user } = await account(of)
    const earn = { amount: 1, source: 'x', expiresAt: inHours(1), idempotencyKey: 'promotion' }
    await expect(of.earn(service, { ...earn, expiresAt: inHours(-1) })).rejects.toThrow(ValidationError)
    await of.earn(service, earn)
    expect(await of.earn(service, earn)).toMatchObject({ replayed: true })
    expect(await thrown(of.earn(service, { ...earn, expiresAt: inHours(2) }))).toBeInstanceOf(
      IdempotencyError,
    )
    expect(await kinds(of, user)).toHaveLength(1)
  })

  it('are paged by what was seen last, so that new entries shift nothing', async () => {
    const { mine, service } = await account(of)
    for (let amount = 1; amount <= 5; amount++) await of.earn(service, { amount, source: 'gift' })
    const first = await of.history(mine, { limit: 2 })
    expect(first.items.map(({ version }) => version)).toEqual([5, 4])
    await of.earn(service, { amount: 6, source: 'gift' })
    const second = await of.history(mine, { limit: 2, cursor: first.nextCursor ?? '' })
    expect(second.items.map(({ version }) => version)).toEqual([3, 2])
    const third = await of.history(mine, { limit: 2, cursor: second.nextCursor ?? '' })
    expect(third).toMatchObject({ items: [{ version: 1 }], nextCursor: null })
    const other = await account(of, 1)
    await expect(of.history(other.mine, { cursor: first.nextCursor ?? '' })).rejects.toThrow(CursorError)
    await expect(of.history(mine, { limit: 0 })).rejects.toThrow(ValidationError)
  })

  it('are undone with their transaction', async () => {
    const { mine } = await account(of, 10)
    await expect(
      mine.transaction(async (within) => {
        await of.spend(within, { amount: 4, source: 'enhancement', idempotencyKey: 'job' })
        expect(await of.balance(within)).toBe(6)
        throw new Error('the work failed')
      }),
    ).rejects.toThrow('the work failed')
    expect(await of.balance(mine)).toBe(10)
    expect(await of.spend(mine, { amount: 4, source: 'enhancement', idempotencyKey: 'job' })).toMatchObject({
      replayed: false,
    })
  })
})

/** As if everything of the account had happened that many hours ago; the owner of the tables can do that, with care. */
async function age(of: Credits, user: string, hours: number): Promise<void> {
  const [name, entries, key] =
    of === credits
      ? ['credits', 'tenantry.credits_entries', 'tenant']
      : ['points', 'point_transactions', 'user_id']
  const guard = `refuse_${of === credits ? 'credits_entries' : 'point_transactions'}_change`
  await test.database.driver.transaction({}, async (connection) => {
    await connection.script(`alter table ${entries} disable trigger ${guard}`)
    for (const [table, column] of [
      [entries, key],
      [`tenantry.${name}_lots`, 'tenant'],
    ]) {
      await connection.query({
        text: `update ${table} set expires_at = expires_at - make_interval(hours => $2) where ${column} = $1`,
        params: [user, hours],
      })
    }
    await connection.script(`alter table ${entries} enable always trigger ${guard}`)
  })
}

describe('the check', () => {
  const findings = (): Promise<readonly Finding[]> =>
    test.database.driver.transaction({}, async (connection) => {
      const [check] = credits.module.checks ?? []
      const found = (await check?.run(connection)) ?? []
      const { rows } = await connection.query({ text: 'select current_user::text', params: [] })
      expect(rows).not.toEqual([['tenantry_service']])
      return found
    })

  it('finds nothing where credits were moved as declared', async () => {
    const { mine, service } = await account(credits, 10)
    await credits.earn(service, { amount: 10, source: 'x', expiresAt: inHours(1) })
    await credits.spend(mine, { amount: 5, source: 'x' })
    expect(await findings()).toEqual([])
  })

  it.each([
    ['credits-balance', `update tenantry.credits_balances set balance = balance + 1 where tenant = '%'`],
    ['credits-gap', `delete from tenantry.credits_entries where version = 2 and tenant = '%'`],
    [
      'credits-running',
      `update tenantry.credits_entries set balance_after = 99 where version = 2 and tenant = '%'`,
    ],
    ['credits-lots', `update tenantry.credits_lots set remaining = 1000 where tenant = '%'`],
  ])('finds what was written past the functions: %s', async (code, damage) => {
    const { user, service } = await account(credits, 10)
    await credits.earn(service, { amount: 10, source: 'x', expiresAt: inHours(1) })
    await credits.earn(service, { amount: 10, source: 'x' })
    const undo = new Error('undo')
    const found = test.database.driver.transaction({}, async (connection) => {
      await connection.script('alter table tenantry.credits_entries disable trigger all')
      await connection.script('alter table tenantry.credits_balances disable trigger all')
      await connection.script(damage.replace('%', user))
      const [check] = credits.module.checks ?? []
      const list = (await check?.run(connection)) ?? []
      expect(list.map((finding) => finding.code)).toContain(code)
      throw undo
    })
    await expect(found).rejects.toBe(undo)
  })

  it('of isolation finds nothing either', async () => {
    const objects = [...credits.module.objects, ...points.module.objects]
    const found = await test.database.driver.transaction({}, (connection) =>
      verifyIsolation(connection, { tenancy: test.tenancy, objects }),
    )
    expect(found).toEqual([])
  })
})

describe('a declaration', () => {
  const { balances, entries } = pointOptions.tables

  it('without a column that credits need is refused', () => {
    const table = pgTable('bare', {
      userId: uuid('user_id').primaryKey(),
      points: integer('points').notNull(),
    })
    expect(() =>
      defineCredits({
        tenant,
        tables: {
          balances: {
            table,
            columns: { tenant: 'userId', balance: 'points', version: 'version' as 'points' },
          },
          entries,
        },
      }),
    ).toThrow(ConfigurationError)
  })

  it('whose entries could hold a key twice is refused', () => {
    const { table } = entries
    const columns = { ...entries.columns, idempotencyKey: 'description' } as const
    expect(() => defineCredits({ tenant, tables: { balances, entries: { table, columns } } })).toThrow(
      /unique key/,
    )
  })

  it('with two kinds of one name, or a name that is none, is refused', () => {
    expect(() => defineCredits({ tenant, kinds: { reversed: 'earned' } })).toThrow(ConfigurationError)
    expect(() => defineCredits({ tenant, name: 'My Credits' })).toThrow(ConfigurationError)
  })
})
