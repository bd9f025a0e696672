import { describe, expect, it } from 'vitest'
import { appendOnly } from '../src/index.ts'
import { make, PILLARS, table } from './making.ts'
import { setup } from './support.ts'

describe('appendOnly', () => {
  it('lets rows in, and refuses every change of them, by whomever and in a replica session', async () => {
    await using place = await setup()
    await place.script(PILLARS)
    await make(place, ...appendOnly([table]), ...appendOnly([table]))
    await place.script(`insert into pillars (user_id, name) values (gen_random_uuid(), 'a')`)
    const changes = [
      `update pillars set name = 'b'`,
      'update pillars set name = name where false',
      'delete from pillars',
      'truncate pillars',
      'merge into pillars using (select 1) as one on true when matched then delete',
      `insert into pillars (id, user_id, name) select id, user_id, 'b' from pillars on conflict (id) do update set name = 'b'`,
    ]
    for (const change of changes) {
      for (const text of [change, `set session_replication_role = replica; ${change}`]) {
        await expect(place.script(text), text).rejects.toMatchObject({
          code: 'TENANTRY_ISOLATION',
          table: 'pillars',
        })
      }
    }
    await place.script('reset session_replication_role')
    expect(await place.value('select name from pillars')).toBe('a')
  })
})
