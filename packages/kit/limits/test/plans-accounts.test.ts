/** Plans that know the table of their accounts: what is kept of one is deleted with its row. */
import { ConfigurationError, id } from '@tenantry/core'
import { type AnyPgColumn, foreignKey, index, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { definePlans, guard } from '../src/index.ts'
import { createSystem, type TestSystem } from './support/system.ts'

const people = pgTable('people', { id: id(), code: text('code').notNull().default('x') })

const ofPeople = (column: AnyPgColumn) =>
  foreignKey({ columns: [column], foreignColumns: [people.id] }).onDelete('cascade')

const contracts = pgTable(
  'contracts',
  { id: id(), userId: uuid('user_id').notNull(), plan: text('plan').notNull().default('pro') },
  (table) => [unique('contracts_user_id_key').on(table.userId), ofPeople(table.userId)],
)
const notes = pgTable('notes', { id: id(), userId: uuid('user_id').notNull() }, (table) => [
  index('notes_user').on(table.userId),
  ofPeople(table.userId),
])

const features = {
  notes: { kind: 'allocated' },
  calls: { kind: 'metered', per: 'calendar_month' },
} as const

const declaration = {
  features,
  plans: { free: { notes: 0, calls: 0 }, pro: { notes: 5, calls: 5 } },
  subscription: { table: contracts, account: 'userId', plan: 'plan' },
  tenant: { expression: 'tenantry.current_user_uuid()', type: 'uuid' },
} as const

const guards = [
  guard<typeof notes, typeof features>({ table: notes, account: 'userId', counts: [{ feature: 'notes' }] }),
]

const plans = definePlans({
  ...declaration,
  accounts: people.id,
  guards,
})

const own = { class: 'tenant', column: 'userId' } as const
let test: TestSystem
beforeAll(async () => {
  test = await createSystem(
    'accounts',
    [plans.module],
    { people, contracts, notes },
    {
      people: { class: 'tenant', column: 'id' },
      contracts: { ...own, insert: false, update: false, delete: false },
      notes: own,
    },
  )
})
afterAll(() => test.close())

async function person() {
  const [[account] = []] = await test.raw('insert into people default values returning id')
  await test.raw('insert into contracts (user_id) values ($1)', account)
  await test.raw('insert into notes (user_id) select $1::uuid from generate_series(1, 3)', account)
  const user = String(account)
  await plans.bind(test.as(user)).consume('calls', 2, { key: 'a' })
  await plans.bind(test.as(user)).hold('calls', 1, { key: 'b', ttlMs: 60_000 })
  await plans.operator.override(test.service(user), { feature: 'calls', cap: 7 })
  return user
}

/** Rows of limits, by the account that they name. */
const kept = async (account: string) => {
  const [[number] = []] = await test.raw(
    ['accounts', 'counters', 'holds', 'overrides']
      .map((table) => `(select count(*) from tenantry.limit_${table} where account = $1)`)
      .join(' + ')
      .replace(/^/, 'select '),
    account,
  )
  return Number(number)
}

it('keep nothing of a person who is deleted, subscription and counted rows included, and all of others', async () => {
  const [ann, ben, cid] = [await person(), await person(), await person()]
  const before = await kept(ben)
  expect(before).toBeGreaterThan(4)
  await test.raw('delete from people where id in ($1, $2)', ann, cid)
  expect([await kept(ann), await kept(ben), await kept(cid)]).toEqual([0, before, 0])
  for (const check of plans.module.checks ?? []) {
    expect(await test.database.driver.transaction({}, (connection) => check.run(connection))).toEqual([])
  }
})

it('keep all of a person whose deletion is undone, and of one whose subscription alone is deleted', async () => {
  const ann = await person()
  const before = await kept(ann)
  const back = new Error('undo')
  await test.database.driver
    .transaction({}, async (connection) => {
      await connection.query({ text: 'delete from people where id = $1', params: [ann] })
      throw back
    })
    .catch((error: unknown) => expect(error).toBe(back))
  expect(await kept(ann)).toBe(before)
  await test.raw('delete from contracts where user_id = $1', ann)
  expect(await kept(ann)).toBe(before)
  // The plan went with it, and the counters followed: there is none by default.
  await expect(plans.bind(test.as(ann)).consume('calls', 1)).resolves.toMatchObject({ plan: null, limit: 7 })
  await plans.operator.dropOverride(test.service(ann), { feature: 'calls' })
  await expect(plans.bind(test.as(ann)).consume('calls', 1)).rejects.toMatchObject({ reason: 'standing' })
})

it('keep nothing after TRUNCATE', async () => {
  const ann = await person()
  await test.raw('truncate people cascade')
  expect(await kept(ann)).toBe(0)
})

it('are refused a column that has no account of theirs, or has one twice', () => {
  const several = pgTable('several', { userId: uuid('user_id').notNull(), plan: text('plan').notNull() })
  const texts = pgTable('texts', { id: text('id').primaryKey() })
  for (const accounts of [people.code, texts.id, notes.userId]) {
    expect(() => definePlans({ ...declaration, guards, accounts })).toThrow(ConfigurationError)
  }
  expect(() => definePlans({ ...declaration, guards, accounts: people.id })).not.toThrow()
  const subscription = { table: several, account: 'userId', plan: 'plan' } as const
  expect(() => definePlans({ ...declaration, guards, subscription })).toThrow('several rows for one user_id')
})
