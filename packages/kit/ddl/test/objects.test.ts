import { randomUUID } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ConfigurationError, connect } from '@tenantry/core'
import {
  extension,
  materializedView,
  role,
  schema,
  sqlFunction,
  statement,
  touchUpdatedAt,
  trigger,
  view,
} from '../src/index.ts'
import { drop, make, PILLARS, table } from './making.ts'
import { serverUrl, setup } from './support.ts'

describe('extension', () => {
  it('is made once and left alone afterwards, and is never dropped', async () => {
    await using place = await setup()
    const vector = extension({ name: 'vector' })
    expect(vector.create).toEqual(['create extension if not exists "vector"'])
    expect(extension({ name: 'a-b', schema: 'extensions' }).create).toEqual([
      'create extension if not exists "a-b" with schema "extensions"',
    ])
    await make(place, vector, vector)
    expect(await place.value("select '[1,2]'::vector <-> '[1,2]'::vector")).toBe(0)
    expect(vector.drop).toEqual([])
  })
})

describe('role', () => {
  it('may exist already, logs nobody in and inherits nothing', async () => {
    await using place = await setup()
    const tenant = role({ name: `${place.prefix}_it's "a" role` })
    await make(place, tenant, tenant)
    expect(
      await place.value(
        `select array[rolcanlogin, rolinherit, rolsuper, rolbypassrls]::text from pg_roles where rolname like '${place.prefix}%'`,
      ),
    ).toBe('{f,f,f,f}')
  })

  it.skipIf(serverUrl === null)('is made by many databases at once without a failure', async () => {
    await using place = await setup()
    await using other = await place.another()
    const tenant = role({ name: `${place.prefix}_shared` })
    const both = [place, other, place, other, place, other, place, other]
    for (let round = 0; round < 10; round += 1) {
      await place.script(`drop role if exists ${place.prefix}_shared`)
      await Promise.all(both.map((where) => make(where, tenant)))
    }
    expect(
      await place.value(`select count(*)::int from pg_roles where rolname = '${place.prefix}_shared'`),
    ).toBe(1)
  })

  it.skipIf(serverUrl === null)(
    'can be set, but not used unset, by a migrating role that is no superuser',
    async () => {
      await using place = await setup()
      const owner = `${place.prefix}_owner`
      await place.script(`create role ${owner} login createrole; grant all on schema public to ${owner}`)
      await place.script(`grant create on database ${new URL(place.url).pathname.slice(1)} to ${owner}`)
      const url = new URL(place.url)
      url.username = owner
      await using database = Object.assign(await connect(url.href), {
        async [Symbol.asyncDispose]() {
          await database.close()
        },
      })
      const tenant = role({ name: `${place.prefix}_tenant` })
      // Twice: the second time it has the membership already.
      for (const text of [...tenant.create, ...tenant.create]) {
        await database.driver.session((session) => session.script(text))
      }
      const { rows } = await database.driver.query({
        text: "select pg_has_role($1, 'SET'), pg_has_role($1, 'USAGE')",
        params: [tenant.name],
      })
      expect(rows).toEqual([[true, false]])
      await place.script(`drop owned by ${owner}`)
    },
  )
})

describe('schema', () => {
  it('is shared, and only the right to use it is taken back', async () => {
    await using place = await setup()
    const tenant = role({ name: `${place.prefix}_tenant` })
    const own = schema({ name: 'own' })
    const usage = schema({ name: 'own', usableBy: [tenant.name] })
    await make(place, tenant, own, own, usage)
    const usable = `select has_schema_privilege('${tenant.name}', 'own', 'usage')`
    expect(await place.value(usable)).toBe(true)
    await drop(place, usage)
    expect(await place.value(usable)).toBe(false)
    expect(own.drop).toEqual([])
  })
})

describe('sqlFunction', () => {
  it('gives a definer a fixed search path and PUBLIC no right to call it', async () => {
    await using place = await setup()
    const tenant = role({ name: `${place.prefix}_tenant` })
    const whoami = sqlFunction({
      name: 'whoami',
      args: [{ name: 'suffix', type: 'text', default: "''" }],
      returns: 'text',
      language: 'sql',
      volatility: 'stable',
      security: 'definer',
      body: "select current_setting('search_path') || suffix",
      executableBy: [tenant.name],
    })
    expect(whoami.create).toEqual([
      [
        'create or replace function "public"."whoami"("suffix" text default \'\')',
        'returns text',
        'language sql',
        'stable security definer',
        'set search_path = pg_catalog, pg_temp',
        'as $body$',
        "select current_setting('search_path') || suffix",
        '$body$',
      ].join('\n'),
      expect.stringContaining(`execute 'revoke all on function "public"."whoami"(text) from ' || holder`),
      `grant execute on function "public"."whoami"(text) to "${tenant.name}"`,
    ])
    expect(whoami.id).toBe('function public.whoami(text)')
    await make(place, tenant, whoami)
    expect(await place.value('select public.whoami()')).toBe('pg_catalog, pg_temp')
    expect(await place.value("select proacl::text from pg_proc where proname = 'whoami'")).toBe(
      `{postgres=X/postgres,${tenant.name}=X/postgres}`,
    )
    await drop(place, whoami)
    expect(await place.value("select to_regproc('public.whoami') is null")).toBe(true)
  })

  it('refuses another search path for a definer', () => {
    const declare = () =>
      sqlFunction({
        name: 'f',
        returns: 'void',
        language: 'sql',
        volatility: 'volatile',
        security: 'definer',
        config: { search_path: 'public' },
        body: 'select',
      })
    expect(declare).toThrow(ConfigurationError)
  })

  it('keeps a body whole that contains its own quotes', async () => {
    await using place = await setup()
    const tricky = sqlFunction({
      name: 'tricky',
      returns: 'text',
      language: 'sql',
      volatility: 'immutable',
      body: "select '$body$ \\ '' $body_1$'",
    })
    await make(place, tricky)
    expect(await place.value('select tricky()')).toBe("$body$ \\ ' $body_1$")
  })

  it.skipIf(serverUrl === null)(
    'is made, replaced and dropped for another owner by a role that does not inherit it',
    async () => {
      await using place = await setup()
      const [owner, service] = [`${place.prefix}_owner`, `${place.prefix}_service`]
      const name = new URL(place.url).pathname.slice(1)
      await place.script(
        `create role ${owner} login createrole; grant create on database ${name} to ${owner}; alter schema public owner to ${owner}`,
      )
      const url = new URL(place.url)
      url.username = owner
      const database = await connect(url.href)
      const f = (body: string) =>
        sqlFunction({
          name: 'f',
          returns: 'text',
          language: 'sql',
          volatility: 'stable',
          security: 'definer',
          owner: service,
          body,
        })
      const run = (texts: readonly string[]) =>
        database.driver.transaction({}, async (connection) => {
          for (const text of texts) await connection.script(text)
        })
      try {
        await run([...role({ name: service }).create, ...f('select current_user::text').create])
        await run(f("select current_user::text || '!'").create)
        expect(await place.value('select public.f()')).toBe(`${service}!`)
        expect(await place.value(`select has_schema_privilege('${service}', 'public', 'create')`)).toBe(false)
        await run(f('').drop)
        expect(await place.value("select to_regproc('public.f') is null")).toBe(true)
      } finally {
        await database.close()
        await place.script(`alter schema public owner to postgres; drop owned by ${owner}`)
      }
    },
  )
})

describe('trigger and touchUpdatedAt', () => {
  it('sets updated_at on every update, whatever the statement says', async () => {
    await using place = await setup()
    const objects = touchUpdatedAt([table])
    expect(objects.map((object) => object.id)).toEqual([
      'function public.update_updated_at_timestamp()',
      'trigger update_pillars_updated_at on public.pillars',
    ])
    expect(objects[1]?.create).toEqual([
      [
        'create or replace trigger "update_pillars_updated_at"',
        'before update on "public"."pillars"',
        'for each row',
        'execute function "public"."update_updated_at_timestamp"()',
      ].join('\n'),
    ])
    await place.script(PILLARS)
    await make(place, ...objects)
    await place.script(
      `insert into public.pillars (user_id, name, updated_at) values ('${randomUUID()}', 'a', '2000-01-01')`,
    )
    await place.script(`update public.pillars set updated_at = '1999-01-01'`)
    expect(await place.value(`select updated_at > now() - interval '1 minute' from public.pillars`)).toBe(
      true,
    )
  })

  it('passes columns, condition and arguments, and fires for a replica when it must', async () => {
    await using place = await setup()
    await place.script(PILLARS)
    const log = sqlFunction({
      name: 'refuse',
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      body: "begin raise exception 'refused: %', tg_argv[0]; end",
    })
    const guard = trigger({
      table,
      name: 'guard',
      timing: 'before',
      events: [{ updateOf: ['name'] }, 'delete'],
      when: "old.name = 'fixed'",
      execute: { name: 'refuse' },
      args: ["it's"],
      enable: 'always',
    })
    await make(place, log, guard)
    await place.script(`insert into public.pillars (user_id, name) select gen_random_uuid(), 'fixed'`)
    await place.script(`update public.pillars set user_id = gen_random_uuid()`)
    await expect(place.script(`update public.pillars set name = 'x'`)).rejects.toMatchObject({
      cause: { message: "refused: it's" },
    })
    expect(await place.value(`select tgenabled::text from pg_trigger where tgname = 'guard'`)).toBe('A')
    await drop(place, guard)
    await place.script(`update public.pillars set name = 'x'`)
  })

  it('is made by a login that may only become the function’s owner, which is left no right on the table', async () => {
    await using place = await setup()
    const suffix = randomUUID().slice(0, 8)
    const [migrator, owner] = [`migrator_${suffix}`, `owner_${suffix}`]
    await place.script(PILLARS)
    await place.script(`
      create role ${migrator};
      create role ${owner};
      grant ${owner} to ${migrator} with inherit false, set true;
      grant usage, create on schema public to ${migrator}, ${owner};
      alter table public.pillars owner to ${migrator}`)
    const quiet = sqlFunction({
      name: 'quiet',
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      owner,
      body: 'begin return null; end',
    })
    const named = { table, timing: 'after', events: ['insert'], enable: 'always' } as const
    await place.script(`set session authorization ${migrator}`)
    await make(place, quiet)
    await expect(
      make(place, trigger({ ...named, name: 'refused', execute: { name: 'quiet' } })),
    ).rejects.toThrow()
    await make(place, trigger({ ...named, name: 'made', execute: { name: 'quiet', owner } }))
    await place.script('reset session authorization')
    expect(
      await place.value(`select tgenabled::text from pg_trigger where tgrelid = 'public.pillars'::regclass`),
    ).toBe('A')
    expect(await place.value(`select has_table_privilege('${owner}', 'public.pillars', 'trigger')`)).toBe(
      false,
    )
    await place.script(`
      drop owned by ${migrator}, ${owner} cascade;
      drop role ${migrator};
      drop role ${owner}`)
  })

  it('refuses a row trigger for TRUNCATE', () => {
    const declare = () =>
      trigger({ table, name: 'no', timing: 'before', events: ['truncate'], execute: { name: 'f' } })
    expect(declare).toThrow(/level: 'statement'/)
  })
})

describe('views', () => {
  it('show their reader only what the reader may see', async () => {
    await using place = await setup()
    await place.script(PILLARS)
    const names = view({ name: 'names', query: 'select name from public.pillars' })
    const reader = role({ name: `${place.prefix}_reader` })
    await make(place, reader, names)
    await place.script(`grant select on public.names to ${reader.name}`)
    // The view alone opens nothing: its reader needs the right to the table.
    const read = `set local role ${reader.name}; select * from public.names`
    await expect(place.script(read)).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    await place.script(`grant select on public.pillars to ${reader.name}`)
    await place.script(read)
    await drop(place, names)
  })

  it('a materialized one belongs to its owner and is filled by the first refresh', async () => {
    await using place = await setup()
    const service = role({ name: `${place.prefix}_service` })
    await place.script(PILLARS)
    const counts = materializedView({
      name: 'counts',
      query: 'select user_id, count(*) as pillars from public.pillars group by user_id',
      owner: service.name,
      indexes: [{ name: 'counts_user_id', columns: ['user_id'], unique: true }],
    })
    await make(place, service)
    await place.driver.transaction({}, async (connection) => {
      for (const text of counts.create) await connection.script(text)
    })
    expect(await place.value(`select pg_get_userbyid(relowner) from pg_class where relname = 'counts'`)).toBe(
      service.name,
    )
    await place.script(`grant select on public.pillars to ${service.name}`)
    await place.driver.session(async (session) => {
      await session.script('refresh materialized view public.counts')
      await session.script('refresh materialized view concurrently public.counts')
    })
    await place.driver.transaction({}, async (connection) => {
      for (const text of counts.drop) await connection.script(text)
    })
    expect(await place.value(`select to_regclass('public.counts') is null`)).toBe(true)
  })
})

describe('statement', () => {
  it('refuses a closing semicolon, which would make an empty second statement', () => {
    expect(() => statement({ id: 'x', kind: 'finale', create: ['select 1;'], drop: [] })).toThrow(
      ConfigurationError,
    )
  })
})
