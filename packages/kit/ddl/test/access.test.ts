import { ConfigurationError } from '@tenantry/core'
import { describe, expect, it } from 'vitest'
import { grants, lockDown, policy, role, rowSecurity, type PolicyOptions } from '../src/index.ts'
import { drop, make, PILLARS, table } from './making.ts'
import { setup } from './support.ts'

describe('rowSecurity and policy', () => {
  it('filters the owner as well, and opens only what a policy says', async () => {
    await using place = await setup()
    const tenant = role({ name: `${place.prefix}_tenant` })
    const owner = `${place.prefix}_owner`
    await place.script(
      `${PILLARS}; insert into public.pillars (user_id, name) select gen_random_uuid(), 'mine'`,
    )
    await place.script(`create role ${owner}; alter table public.pillars owner to ${owner}`)
    const security = rowSecurity({ table })
    const mine = policy({
      table,
      name: 'mine',
      as: 'permissive',
      command: 'select',
      to: [tenant.name],
      using: "name = 'mine'",
    })
    expect(mine.create).toEqual([
      `create policy "mine" on "public"."pillars"\nas permissive for select to "${tenant.name}"\nusing (name = 'mine')`,
    ])
    await make(
      place,
      tenant,
      security,
      mine,
      grants({ table, to: tenant.name, privileges: { select: true } }),
    )
    const seenBy = (who: string) =>
      place.driver.transaction({}, async (connection) => {
        await connection.script(`set local role ${who}`)
        return (await connection.query({ text: 'select count(*)::int from public.pillars', params: [] }))
          .rows[0]?.[0]
      })
    expect(await seenBy(owner)).toBe(0)
    expect(await seenBy(tenant.name)).toBe(1)
    await drop(place, mine)
    expect(await seenBy(tenant.name)).toBe(0)
    await drop(place, security)
    expect(await seenBy(owner)).toBe(1)
    await place.script(`drop table public.pillars`)
  })

  it('takes exactly the conditions of its command', async () => {
    await using place = await setup()
    await place.script(PILLARS)
    const conditions: Readonly<Record<string, readonly string[]>> = {
      select: ['using'],
      insert: ['check'],
      update: ['using', 'check'],
      delete: ['using'],
      all: ['using', 'check'],
    }
    const declare = (command: string, clauses: readonly string[]) =>
      policy({
        table,
        name: `p_${command}`,
        as: 'restrictive',
        command,
        to: ['public'],
        ...Object.fromEntries(clauses.map((clause) => [clause, 'true'])),
      } as unknown as PolicyOptions)
    for (const [command, clauses] of Object.entries(conditions)) {
      for (const given of [[], ['using'], ['check'], ['using', 'check']]) {
        if (given.join() === clauses.join()) await make(place, declare(command, given))
        else expect(() => declare(command, given), `${command} ${given.join()}`).toThrow(ConfigurationError)
      }
    }
    expect(await place.value('select count(*)::int from pg_policy where not polpermissive')).toBe(5)
    // @ts-expect-error an insert has no existing row to look at
    const wrong: PolicyOptions = {
      table,
      name: 'x',
      as: 'permissive',
      command: 'insert',
      to: ['a'],
      using: '1',
    }
    expect(() => policy(wrong)).toThrow(/needs "check"|can't have "using"/)
  })
})

describe('lockDown and grants', () => {
  it('leave a role with what was granted, whatever default privileges had given out', async () => {
    await using place = await setup()
    const [anon, tenant, columns] = [
      `${place.prefix}_anon "x"`,
      `${place.prefix}_tenant`,
      `${place.prefix}_columns`,
    ]
    await make(place, role({ name: anon }), role({ name: tenant }), role({ name: columns }))
    await place.script(
      `alter default privileges in schema public grant all on tables to "${anon.replaceAll('"', '""')}", public`,
    )
    await place.script(PILLARS)
    await place.script(`grant select (name), update (name) on public.pillars to ${columns}`)
    const granted = grants({
      table,
      to: tenant,
      privileges: { select: true, insert: ['user_id', 'name'], update: ['name'] },
    })
    expect(granted.create).toEqual([
      `grant select, insert ("user_id", "name"), update ("name") on table "public"."pillars" to "${tenant}"`,
    ])
    await make(place, lockDown(table), granted)
    const rights = () =>
      place.column(`select pg_get_userbyid(grantee) || ' ' || privilege_type
from (select relacl as acl from pg_class where relname = 'pillars'
  union all select attacl from pg_attribute where attrelid = 'pillars'::regclass) as rights, aclexplode(acl)
where grantee <> 'postgres'::regrole order by 1`)
    expect(await rights()).toEqual([
      `${tenant} INSERT`,
      `${tenant} INSERT`,
      `${tenant} SELECT`,
      `${tenant} UPDATE`,
    ])
    await drop(place, granted)
    expect(await rights()).toEqual([])
    await place.script(`drop owned by "${anon.replaceAll('"', '""')}"`)
  })

  it('refuse a grant on no column', () => {
    expect(() => grants({ table, to: 'a', privileges: { update: [] } })).toThrow(ConfigurationError)
  })
})
