/** A call that is overtaken in each of its rounds ends: here, because no round can succeed. */
import { SerializationError } from '@tenantry/core'
import { expect, it } from 'vitest'
import { createStudio, type Studio } from './support/studio.ts'

/** A loop without an end is cut short by the server, as another error. */
async function lost(test: Studio, text: string): Promise<void> {
  const call = test.database.driver.transaction({}, async (connection) => {
    await connection.script(`set local statement_timeout = '5s'`)
    return connection.query({ text, params: [] })
  })
  const failure: unknown = await call.catch((error: unknown) => error)
  expect(failure, text).toBeInstanceOf(SerializationError)
  expect(failure).toMatchObject({
    retryable: true,
    cause: { message: expect.stringMatching(/in each of 20 attempts$/) },
  })
}

const rowsOf = (test: Studio) =>
  test.raw(`select feature, used, reserved, null as key from tenantry.limit_counters
  union all select feature, amount, null, key from tenantry.limit_holds order by feature, key`)

const alwaysRoom = (test: Studio) =>
  test.raw(`create or replace function tenantry.limit_fits(of_account uuid, of_feature text, of_subject text,
    of_amount numeric, of_guarded boolean, at_time timestamptz) returns boolean language sql as 'select true'`)

it('ends as a serialization failure where its counter always seems to have room, and wrote nothing', async () => {
  await using test = await createStudio()
  const account = await test.subscribe('starter')
  await test.limits(account).consume('posts', 10)
  await test.raw('insert into pillars (user_id) select $1::uuid from generate_series(1, 2)', account)
  const before = await rowsOf(test)
  await alwaysRoom(test)
  for (const text of [
    `select tenantry.limit_consume('${account}', 'posts', '', 1, null)`,
    `select tenantry.limit_consume('${account}', 'posts', '', 1, 'key')`,
    `select tenantry.limit_consume_each('${account}', 'posts', '', '{1,2}')`,
    `select tenantry.limit_reserve('${account}', 'posts', '', 1, 'key', 1000)`,
    `insert into pillars (user_id) values ('${account}')`,
    // There is no counter yet, and none is made.
    `select tenantry.limit_consume('${account}', 'calls', '', 1, 'key')`,
  ]) {
    await lost(test, text)
  }
  expect(await rowsOf(test)).toEqual(before)
})

it('ends as one where its key is always taken, and never there', async () => {
  await using test = await createStudio()
  const account = await test.subscribe('starter')
  await test.raw(`create function skip() returns trigger language plpgsql as 'begin return null; end'`)
  await test.raw(
    'create trigger skip before insert on tenantry.limit_holds for each row execute function skip()',
  )
  await lost(test, `select tenantry.limit_consume('${account}', 'calls', '', 1, 'key')`)
  await lost(test, `select tenantry.limit_reserve('${account}', 'calls', '', 1, 'key', 1000)`)
  expect(await rowsOf(test)).toEqual([])
})
