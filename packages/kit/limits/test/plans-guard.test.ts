import { PlanLimitError, ValidationError } from '@tenantry/core'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createStudio, type Studio } from './support/studio.ts'

let test: Studio
beforeAll(async () => {
  test = await createStudio()
})
afterAll(() => test.close())

const live = async (account: string): Promise<number> =>
  Number(
    (
      await test.raw(
        `select count(*) from pillars where user_id = $1 and status not in ('inactive', 'archived')`,
        account,
      )
    )[0]?.[0],
  )

const verified = async () => {
  for (const check of test.modules.flatMap((module) => module.checks ?? [])) {
    expect(await test.database.driver.transaction({}, (connection) => check.run(connection))).toEqual([])
  }
}

describe('rows that count while they live', () => {
  it('are refused beyond the cap, whoever writes them, all of a statement or nothing', async () => {
    const account = await test.subscribe('starter')
    const insert = `insert into pillars (user_id) select '${account}' from generate_series(1, `
    await expect(test.raw(`${insert} 3)`)).rejects.toThrow(PlanLimitError)
    for (const role of ['tenantry_tenant', 'tenantry_service'] as const) {
      await expect(test.rawAs(role, `${insert} 3)`, account)).rejects.toThrow(PlanLimitError)
    }
    expect([await live(account), await test.used(account, 'pillars')]).toEqual([0, null])
    await test.rawAs('tenantry_tenant', `${insert} 2)`, account)
    await expect(test.raw(`${insert} 1)`)).rejects.toMatchObject({
      feature: 'pillars',
      used: 2,
      limit: 2,
      resetsAt: null,
      smallestPlan: 'growth',
    })
    await verified()
  })

  it('make room by leaving, however they leave, and count again when they come back', async () => {
    const account = await test.subscribe('starter')
    const add = () => test.raw('insert into pillars (user_id) values ($1) returning id', account)
    const [first] = [String((await add())[0]?.[0]), await add()]
    await expect(add()).rejects.toThrow(PlanLimitError)
    await test.raw(`update pillars set status = 'archived' where id = $1`, first)
    expect(await test.used(account, 'pillars')).toBe(1)
    await add()
    await expect(test.raw(`update pillars set status = 'active' where id = $1`, first)).rejects.toThrow(
      PlanLimitError,
    )
    await test.raw(`delete from pillars where user_id = $1 and status = 'active'`, account)
    await test.raw(`update pillars set status = 'active' where id = $1`, first)
    expect([await live(account), await test.used(account, 'pillars')]).toEqual([1, 1])
    await verified()
  })

  it('count for the account that they are moved to', async () => {
    const [from, to] = [await test.subscribe('growth'), await test.subscribe('starter')]
    await test.raw('insert into pillars (user_id) select $1::uuid from generate_series(1, 3)', from)
    await expect(test.raw('update pillars set user_id = $2 where user_id = $1', from, to)).rejects.toThrow(
      PlanLimitError,
    )
    await test.raw(
      'update pillars set user_id = $2 where id in (select id from pillars where user_id = $1 limit 2)',
      from,
      to,
    )
    expect([await test.used(from, 'pillars'), await test.used(to, 'pillars')]).toEqual([1, 2])
  })

  it('stay, and may leave, after a downgrade below what there is', async () => {
    const account = await test.subscribe('growth')
    await test.raw('insert into pillars (user_id) select $1::uuid from generate_series(1, 5)', account)
    await test.raw(`update subscriptions set plan = 'starter' where user_id = $1`, account)
    await test.raw(`update pillars set status = 'renamed' where user_id = $1`, account)
    await expect(test.raw('insert into pillars (user_id) values ($1)', account)).rejects.toMatchObject({
      used: 5,
      limit: 2,
    })
    await test.raw(
      'delete from pillars where id in (select id from pillars where user_id = $1 limit 4)',
      account,
    )
    await test.raw('insert into pillars (user_id) values ($1)', account)
    expect(await test.used(account, 'pillars')).toBe(2)
  })

  it('are counted right by ON CONFLICT, MERGE, a rolled back savepoint and TRUNCATE', async () => {
    const account = await test.subscribe('growth')
    const id = String(
      (await test.raw('insert into pillars (user_id) values ($1) returning id', account))[0]?.[0],
    )
    await test.raw('insert into pillars (id, user_id) values ($1, $2) on conflict do nothing', id, account)
    await test.raw(
      `insert into pillars (id, user_id) values ($1, $2) on conflict (id) do update set status = 'archived'`,
      id,
      account,
    )
    expect(await test.used(account, 'pillars')).toBe(0)
    await test.raw(
      `merge into pillars using (values ($1::uuid), (gen_random_uuid())) as source (id) on pillars.id = source.id
      when matched then update set status = 'active' when not matched then insert (id, user_id) values (source.id, '${account}')`,
      id,
    )
    expect(await test.used(account, 'pillars')).toBe(2)
    await test.database.driver.transaction({}, async (connection) => {
      await connection
        .savepoint(async (inner) => {
          await inner.query({ text: 'delete from pillars where user_id = $1', params: [account] })
          throw new Error('back')
        })
        .catch(() => {})
    })
    await verified()
    await test.raw('truncate pillars')
    expect(await test.used(account, 'pillars')).toBe(0)
    await verified()
  })

  it('are summed where rows have sizes, by subject', async () => {
    const account = await test.subscribe('starter')
    const add = (folder: string, bytes: number) =>
      test.raw('insert into files (user_id, folder, bytes) values ($1, $2, $3)', account, folder, bytes)
    await add('a', 60)
    await expect(add('a', 41)).rejects.toMatchObject({ feature: 'storage', used: 60, requested: 41 })
    await add('b', 100)
    await test.raw(`update files set bytes = 100 where folder = 'a' and user_id = $1`, account)
    expect([await test.used(account, 'files'), await test.used(account, 'storage')]).toEqual([2, 200])
    await verified()
  })

  it('make no room by sizes below nothing', async () => {
    const account = await test.subscribe('starter')
    const add = (...bytes: readonly number[]) =>
      test.raw('insert into files (user_id, bytes) select $1, unnest($2::bigint[])', account, bytes)
    await add(100, -100)
    await expect(add(1, -1)).rejects.toMatchObject({ feature: 'storage', used: 100, requested: 1 })
    await test.raw('update files set bytes = -1000 where bytes = -100 and user_id = $1', account)
    expect(await test.used(account, 'storage')).toBe(100)
    await verified()
    await test.raw('delete from files where bytes < 0 and user_id = $1', account)
    expect(await test.used(account, 'storage')).toBe(100)
    await verified()
  })
})

describe('rows that count once', () => {
  it('count when they first become so, by INSERT or UPDATE, and never again', async () => {
    const account = await test.subscribe('starter')
    const insert = async (status: string) =>
      String(
        (
          await test.raw('insert into drafts (user_id, status) values ($1, $2) returning id', account, status)
        )[0]?.[0],
      )
    const set = (id: string, status: string) =>
      test.raw('update drafts set status = $2 where id = $1', id, status)
    const first = await insert('draft')
    expect(await test.used(account, 'posts')).toBe(null)
    for (const status of ['approved', 'scheduled', 'posted', 'rejected', 'approved', 'draft', 'posted'])
      await set(first, status)
    expect(await test.used(account, 'posts')).toBe(1)
    await insert('posted')
    expect(await test.used(account, 'posts')).toBe(2)
    await test.raw('delete from drafts where id = $1', first)
    expect(await test.used(account, 'posts')).toBe(2)
    // The same id again is another draft.
    await test.raw(`insert into drafts (id, user_id, status) values ($1, $2, 'posted')`, first, account)
    expect(await test.used(account, 'posts')).toBe(3)
    await expect(
      test.raw(
        `insert into drafts (user_id, status) select $1::uuid, 'approved' from generate_series(1, 8)`,
        account,
      ),
    ).rejects.toMatchObject({ feature: 'posts', used: 3, requested: 8, limit: 10 })
    await test.raw(
      `insert into drafts (user_id, status) select $1::uuid, 'draft' from generate_series(1, 8)`,
      account,
    )
    await expect(
      test.raw(`update drafts set status = 'approved' where user_id = $1 and status = 'draft'`, account),
    ).rejects.toThrow(PlanLimitError)
    expect(await test.used(account, 'posts')).toBe(3)
  })

  it('keep the key by which they are known', async () => {
    const account = await test.subscribe('starter')
    await test.raw(`insert into drafts (user_id, status) values ($1, 'posted'), ($1, 'draft')`, account)
    const rename = (id: string) =>
      test.raw(`update drafts set id = ${id}, status = 'draft' where user_id = $1`, account)
    await expect(rename('gen_random_uuid()')).rejects.toThrow(ValidationError)
    await rename('id')
    expect(await test.used(account, 'posts')).toBe(1)
  })

  it('give back what they counted where the declaration says so, to the period in which it was counted', async () => {
    const account = await test.subscribe('starter')
    const [[id] = []] = await test.raw('insert into requests (user_id) values ($1) returning id', account)
    expect(await test.used(account, 'requests')).toBe(1)
    const set = (status: string) => test.raw('update requests set status = $2 where id = $1', id, status)
    await set('failed')
    await set('failed')
    expect(await test.used(account, 'requests')).toBe(0)
    await set('pending')
    await set('done')
    expect(await test.used(account, 'requests')).toBe(1)
    await test.setClock('2100-01-01T00:00:00Z')
    await set('failed')
    await test.setClock(null)
    expect(await test.used(account, 'requests')).toBe(0)
  })
})

describe('rows that grow', () => {
  it('count what each of them came to, and by how much it grew since, and give nothing back', async () => {
    const account = await test.subscribe('starter')
    const add = async (cost: number | null) =>
      String(
        (
          await test.raw('insert into requests (user_id, cost) values ($1, $2) returning id', account, cost)
        )[0]?.[0],
      )
    const spent = () => test.used(account, 'spend')
    const [first, second] = [await add(null), await add(1.5)]
    expect(await spent()).toBe(1.5)
    const set = (cost: string) => test.raw(`update requests set cost = ${cost} where user_id = $1`, account)
    await test.raw('update requests set cost = 0.25 where id = $1', first)
    await test.raw(`update requests set status = 'done' where user_id = $1`, account)
    expect(await spent()).toBe(1.75)
    // One grows by 1, and the other shrinks by 1.25.
    await set(`case id when '${first}' then 1.25 else 0.25 end`)
    expect(await spent()).toBe(2.75)
    await expect(set('cost + 2')).rejects.toMatchObject({
      feature: 'spend',
      used: 2.75,
      requested: 4,
      limit: 5,
    })
    await test.raw('delete from requests where id = $1', second)
    expect(await spent()).toBe(2.75)
    for (const cost of [-2, Number.NEGATIVE_INFINITY]) await add(cost)
    for (const cost of ['-5', `'-Infinity'`]) await set(cost)
    expect(await spent()).toBe(2.75)
    for (const cost of [`'NaN'`, `'Infinity'`, '0.0000001']) await expect(set(cost)).rejects.toThrow()
    expect(await spent()).toBe(2.75)
  })
})

// The embedded server has no programs to read from.
describeOnServer('COPY', () => {
  it('counts its rows, and is refused as a whole', async () => {
    const account = await test.subscribe('starter')
    const copy = (rows: number) =>
      test.raw(`copy pillars (user_id) from program 'for n in $(seq ${rows}); do echo ${account}; done'`)
    await expect(copy(3)).rejects.toThrow(PlanLimitError)
    await copy(2)
    expect(await test.used(account, 'pillars')).toBe(2)
    await verified()
  })
})
