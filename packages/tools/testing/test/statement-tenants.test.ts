import type { Executor } from '@tenantry/core'
import { describe, expect, it } from 'vitest'
import { standardCalls, statementsOf, tenantsNamed, unnamedTenants } from '../src/statement-tenants.ts'

const tables = { notes: 'owner_id', 'app.files': 'account', replies: 'owner_id' }
const messages = async (sql: string) =>
  (await tenantsNamed(sql, tables)).map(({ table, message }) => `${table}: ${message}`)

describe('a statement that names its tenant on every tenant table passes', () => {
  it.each([
    ['by a parameter', 'select * from notes where notes.owner_id = $1'],
    [
      'by a cast parameter, either way round',
      'select * from notes n where $1::uuid = n.owner_id and n.title = $2',
    ],
    ['by a bare name where there is one relation', 'select * from notes where owner_id = $1'],
    ['by a constant', "select * from notes where notes.owner_id = 'a'"],
    [
      'through a join',
      'select * from notes n join replies r on r.owner_id = n.owner_id where n.owner_id = $1',
    ],
    ['through USING', 'select * from notes n join replies r using (owner_id) where n.owner_id = $1'],
    [
      'through a left join',
      'select * from notes n left join replies r on r.owner_id = n.owner_id where n.owner_id = $1',
    ],
    [
      'through a correlated subquery',
      'select (select count(*) from replies r where r.owner_id = n.owner_id) from notes n where n.owner_id = $1',
    ],
    ['in a subquery of FROM', 'select * from (select * from notes where owner_id = $1) x'],
    [
      'in each arm of a union',
      'select id from notes where owner_id = $1 union select id from replies where owner_id = $1',
    ],
    ['in a schema', 'select * from app.files f where f.account = $1'],
    ['in an update', 'update notes set title = $2 where notes.owner_id = $1'],
    [
      'in a delete with USING',
      'delete from notes using replies where notes.owner_id = $1 and replies.owner_id = notes.owner_id',
    ],
    ['in an insert', 'insert into notes (owner_id, title) values ($1, $2), ($1, $3)'],
    [
      'in an insert from a select',
      'insert into notes (title, owner_id) select x.t, $1::uuid from unnest($2::text[]) as x(t)',
    ],
    [
      'in an insert from another tenant table',
      'insert into notes (owner_id) select r.owner_id from replies r where r.owner_id = $1',
    ],
    [
      'in an upsert by a key with the tenant',
      'insert into notes (owner_id, slug) select $1, $2 on conflict (owner_id, slug) do update set slug = excluded.slug',
    ],
    [
      'in a WITH query',
      'with gone as (delete from notes where owner_id = $1 returning *) insert into replies (owner_id) select $1 from gone',
    ],
    ['where no tenant table is used', 'select * from plans; select 1'],
  ])('%s', async (_, sql) => {
    expect(await messages(sql)).toEqual([])
  })
})

describe('a statement that leaves a tenant table open is named', () => {
  it.each([
    ['no condition', 'select * from notes'],
    ['another column', 'select * from notes where notes.id = $1'],
    ['below OR', 'select * from notes where notes.owner_id = $1 or true'],
    ['below NOT', 'select * from notes where not (notes.owner_id = $1)'],
    ['another operator', 'select * from notes where notes.owner_id >= $1'],
    ['its own column', 'select * from notes where notes.owner_id = notes.owner_id'],
    ['a null', 'select * from notes where notes.owner_id = null'],
    [
      'a function, which a router cannot see',
      "select * from notes where notes.owner_id = current_setting('app.user')::uuid",
    ],
    ['the joined table only', 'select * from notes n join replies r on true where r.owner_id = $1'],
    [
      'the kept side of a left join',
      'select * from notes n left join replies r on r.owner_id = n.owner_id and n.owner_id = $1',
    ],
    ['a full join', 'select * from notes n full join replies r on r.owner_id = $1 and n.owner_id = $1'],
    [
      'a subquery in the select list',
      'select (select count(*) from replies) from notes where notes.owner_id = $1',
    ],
    [
      'a subquery of EXISTS',
      'select 1 from notes n where n.owner_id = $1 and exists (select 1 from replies r where r.note_id = n.id)',
    ],
    ['one arm of a union', 'select id from notes where owner_id = $1 union all select id from replies'],
    ['a WITH query', 'with x as (select * from notes) select * from x'],
    ['a WITH query under the name of the table', 'with notes as (select * from notes) select * from notes'],
    ['a delete', 'delete from notes where id = $1'],
    ['an update', 'update notes set title = $1 where id = $2'],
    ['an update that moves the row', 'update notes set owner_id = $2 where owner_id = $1'],
    ['an insert without the column', 'insert into notes (title) values ($1)'],
    ['an insert with a default', 'insert into notes (owner_id) values ($1), (default)'],
    ['an insert of what another column holds', 'insert into notes (owner_id) select p.user_id from plans p'],
    [
      'an upsert by an id',
      'insert into notes (owner_id, id) values ($1, $2) on conflict (id) do update set title = $3',
    ],
    [
      'an upsert by a named constraint',
      'insert into notes (owner_id) values ($1) on conflict on constraint k do update set title = $2',
    ],
    [
      'an upsert that moves the row',
      'insert into notes (owner_id) values ($1) on conflict (owner_id) do update set owner_id = $2',
    ],
    ['another kind of statement', 'truncate notes'],
    ['MERGE', 'merge into notes using plans p on notes.owner_id = $1 when matched then delete'],
  ])('%s', async (_, sql) => {
    expect(await messages(sql)).not.toEqual([])
  })
})

it('with a binding, a parameter that holds something else does not count', async () => {
  const sql = 'select * from notes where notes.owner_id = $2 and notes.id = $1'
  expect(await tenantsNamed(sql, tables, { params: ['x', 'alice'], tenant: 'alice' })).toEqual([])
  expect(await tenantsNamed(sql, tables, { params: ['alice', 'bob'], tenant: 'alice' })).toHaveLength(1)
})

it('with a binding, the tenant of shared rows counts where it is given, and only as itself', async () => {
  const sql = `select id from notes where owner_id = $1 union all select id from notes where owner_id = 'house'`
  const binding = { params: ['alice'], tenant: 'alice' }
  expect(await tenantsNamed(sql, tables, binding)).toHaveLength(1)
  expect(await tenantsNamed(sql, tables, { ...binding, shared: 'house' })).toEqual([])
  expect(await tenantsNamed(sql, tables, { ...binding, shared: 'elsewhere' })).toHaveLength(1)
})

describe('the statements of a repository', () => {
  const executor: Executor = {
    role: 'tenant',
    tenant: 'alice',
    gate: null,
    run: async () => ({ command: 'SELECT', columns: [], rows: [], count: 0 }),
    transaction: (run) => run(executor),
  }
  const asking = (text: string) => (within: Executor) => within.run({ text, params: ['alice'], gated: false })

  it('are recorded outside a transaction and in one, and judged', async () => {
    for (const inTransaction of [false, true]) {
      const log = await statementsOf(executor, { inTransaction }, async (within) => {
        await asking('select * from notes where owner_id = $1')(within)
        await within.transaction(asking('select * from notes'))
      })
      expect(await unnamedTenants(log, tables, { tenant: 'alice' })).toEqual([
        expect.stringContaining('select * from notes'),
      ])
      expect(await unnamedTenants(log, tables, { tenant: 'bob' })).toHaveLength(2)
      expect(await unnamedTenants(log, tables, { tenant: 'alice', except: ['select * from notes'] })).toEqual(
        [],
      )
    }
  })

  it('of a standard method that is new are missed loudly', () => {
    class Newer {
      vacuum() {}
    }
    expect(() => standardCalls(new Newer(), { key: 1, input: {}, change: {} })).toThrow('vacuum()')
  })
})

it('rejects what is not SQL', async () => {
  await expect(tenantsNamed('selct 1', tables)).rejects.toThrow()
})
