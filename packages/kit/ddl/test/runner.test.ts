import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigurationError, connect, MigrationError, TimeoutError, type Driver } from '@tenantry/core'
import { describe, expect, it } from 'vitest'
import { sealMigrations } from '../src/generate.ts'
import { migrate, migrationStatus, readMigrations } from '../src/index.ts'
import { asPlainOwner, poolerUrl, serverUrl, setup, withDatabase, type TestPlace } from './support.ts'

const BREAK = '\n--> statement-breakpoint\n'
const NO_TRANSACTION = '-- tenantry: no-transaction\n'

function files(place: TestPlace, texts: Readonly<Record<string, string>>) {
  for (const [name, text] of Object.entries(texts)) writeFileSync(join(place.folder, `${name}.sql`), text)
  return { system: 'app', migrations: place.folder }
}

/** A driver whose process dies at the script that matches. */
function interrupted(driver: Driver, matches: RegExp): Driver {
  return {
    ...driver,
    session: (run) =>
      driver.session((connection) =>
        run({
          ...connection,
          script: (text) =>
            matches.test(text)
              ? Promise.reject(new Error('the process was killed'))
              : connection.script(text),
        }),
      ),
  }
}

const TABLE_A = 'create table a (id integer)'
const TABLE_B = 'create table b (id integer)'

describe('migrate', () => {
  it('applies files in order, once, and each system by itself', async () => {
    await using place = await setup()
    const source = files(place, { '0001_b': 'alter table a add b text', '0000_a': TABLE_A })
    expect(await migrate(place.driver, source)).toEqual({ applied: ['0000_a', '0001_b'] })
    expect(await migrate(place.driver, source)).toEqual({ applied: [] })
    files(place, { '0002_c': 'drop table a' })
    expect(await migrationStatus(place.driver, source)).toMatchObject({
      applied: [{ name: '0000_a' }, { name: '0001_b' }],
      pending: ['0002_c'],
      problem: null,
    })
    expect(await migrate(place.driver, source)).toEqual({ applied: ['0002_c'] })
    expect(await migrate(place.driver, { ...source, system: 'other' })).toEqual({
      applied: ['0000_a', '0001_b', '0002_c'],
    })
  })

  it.skipIf(serverUrl === null)(
    'by several processes at once on an empty database applies everything once',
    async () => {
      await using place = await setup()
      const source = files(place, {
        '0000_a': `${TABLE_A};${BREAK}select pg_sleep(0.05)`,
        '0001_b': `${NO_TRANSACTION}create index concurrently a_id on a (id);${BREAK}select pg_sleep(0.05)`,
        '0002_c': TABLE_B,
      })
      const processes = await Promise.all([1, 2, 3, 4].map(() => connect(place.url)))
      const results = await Promise.all(processes.map(({ driver }) => migrate(driver, source)))
      await Promise.all(processes.map((database) => database.close()))
      expect(results.flatMap((result) => result.applied).toSorted()).toEqual(['0000_a', '0001_b', '0002_c'])
    },
  )

  it.skipIf(poolerUrl === null)('works through a pooler, by several processes at once', async () => {
    await using place = await setup()
    const url = withDatabase(poolerUrl ?? '', new URL(place.url).pathname.slice(1))
    const source = files(place, { '0000_a': TABLE_A, '0001_b': TABLE_B })
    const processes = await Promise.all([1, 2, 3].map(() => connect({ url, situation: 'pooler' })))
    const results = await Promise.all(processes.map(({ driver }) => migrate(driver, source)))
    files(place, { '0002_c': `${NO_TRANSACTION}create index concurrently on a (id)` })
    const first = processes[0]
    await expect(first && migrate(first.driver, source)).rejects.toThrow(ConfigurationError)
    await Promise.all(processes.map((database) => database.close()))
    expect(results.flatMap((result) => result.applied)).toEqual(['0000_a', '0001_b'])
  })

  it('gives up waiting for a lock that is never released', async (context) => {
    if (serverUrl === null) context.skip()
    await using place = await setup()
    const source = files(place, { '0000_a': TABLE_A })
    await place.driver.transaction({}, async (connection) => {
      await connection.script("select pg_advisory_xact_lock(hashtextextended('tenantry:migrate', 0))")
      await expect(migrate(place.driver, { ...source, lockWaitMs: 0 })).rejects.toThrow(TimeoutError)
    })
    expect(await migrate(place.driver, source)).toEqual({ applied: ['0000_a'] })
  })

  it('applies nothing of a file in which a statement fails, and says which', async () => {
    await using place = await setup()
    const source = files(place, {
      '0000_a': TABLE_A,
      '0001_b': [TABLE_B, '-- why\nalter table missing\n  add x text', 'select 1'].join(`;${BREAK}`),
    })
    const failure: unknown = await migrate(place.driver, source).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(MigrationError)
    expect(failure).toMatchObject({
      message:
        '0001_b.sql failed at statement 2 of 3 ("alter table missing"): relation "missing" does not exist. Nothing of this file was applied',
      cause: { sqlState: '42P01' },
    })
    expect(
      await place.column(
        "select coalesce(to_regclass('a')::text, '') || coalesce(to_regclass('b')::text, '')",
      ),
    ).toEqual(['a'])
    expect(await migrationStatus(place.driver, source)).toMatchObject({ pending: ['0001_b'] })
  })

  it('goes on where a file outside a transaction was interrupted', async () => {
    await using place = await setup()
    const source = files(place, {
      '0000_a': `${NO_TRANSACTION}${[TABLE_A, 'create index concurrently a_id on a (id)', TABLE_B].join(`;${BREAK}`)}`,
    })
    const killed = interrupted(place.driver, /create index/)
    await expect(migrate(killed, source)).rejects.toThrow(/failed at statement 2 of 3/)
    expect(await migrationStatus(place.driver, source)).toMatchObject({
      applied: [{ name: '0000_a', statementsDone: 1, finishedAt: null }],
      pending: ['0000_a'],
    })
    expect(await migrate(place.driver, source)).toEqual({ applied: ['0000_a'] })
    expect(await place.value("select to_regclass('a_id') is not null and to_regclass('b') is not null")).toBe(
      true,
    )
    expect(await migrate(place.driver, source)).toEqual({ applied: [] })
  })

  it.skipIf(serverUrl === null)('goes on after its server process was killed', async () => {
    await using place = await setup()
    const source = files(place, {
      '0000_a': `${NO_TRANSACTION}${[TABLE_A, 'select pg_advisory_xact_lock(42)', TABLE_B].join(`;${BREAK}`)}`,
    })
    const database = await connect(place.url)
    const waiting = `select pid from pg_stat_activity where datname = current_database() and wait_event = 'advisory'`
    await place.driver.transaction({}, async (connection) => {
      await connection.script('select pg_advisory_xact_lock(42)')
      const killed = migrate(database.driver, source).catch((error: unknown) => error)
      // Asked outside this transaction, which would see the same activity for ever.
      while ((await place.column(waiting)).length === 0);
      await place.value(`select pg_terminate_backend(pid) from (${waiting}) as waiting`)
      expect(await killed).toBeInstanceOf(MigrationError)
    })
    expect(await migrate(database.driver, source)).toEqual({ applied: ['0000_a'] })
    await database.close()
  })

  it('refuses a file that was edited after it was applied', async () => {
    await using place = await setup()
    const source = files(place, { '0000_a': TABLE_A })
    await migrate(place.driver, source)
    files(place, { '0000_a': `${TABLE_A}\r\n` })
    const edited = /0000_a\.sql differs/
    await expect(migrate(place.driver, source)).rejects.toThrow(edited)
    expect((await migrationStatus(place.driver, source)).problem).toMatch(edited)
  })

  it('takes the line ends of another system for the same file', async () => {
    await using place = await setup()
    const text = `${TABLE_A};\n-- end\n`
    const source = files(place, { '0000_a': text })
    await migrate(place.driver, source)
    files(place, { '0000_a': text.replaceAll('\n', '\r\n') })
    expect(await migrate(place.driver, source)).toEqual({ applied: [] })
  })

  it('refuses a file that is older than what was applied', async () => {
    await using place = await setup()
    const source = files(place, { '0001_b': TABLE_B })
    await migrate(place.driver, source)
    files(place, { '0000_a': TABLE_A })
    await expect(migrate(place.driver, source)).rejects.toThrow(
      /0000_a\.sql was not applied, but the later 0001_b/,
    )
    expect(await place.value("select to_regclass('a') is null")).toBe(true)
  })

  it('refuses a database that is newer than the files', async () => {
    await using place = await setup()
    const source = files(place, { '0000_a': TABLE_A, '0001_b': TABLE_B })
    await migrate(place.driver, source)
    rmSync(join(place.folder, '0001_b.sql'))
    await expect(migrate(place.driver, source)).rejects.toThrow(/The database has 0001_b/)
    files(place, { '0002_c': TABLE_A })
    await expect(migrate(place.driver, source)).rejects.toThrow(/The database has 0001_b/)
  })

  it('asks for extensions before anything runs, and says where to get them', async () => {
    await using place = await setup()
    const source = files(place, {
      '0000_a': TABLE_A,
      '0001_b': `-- tenantry: requires-extensions vector, no_such_thing\n${TABLE_B}`,
    })
    const failure: unknown = await migrate(place.driver, source).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(ConfigurationError)
    expect(String(failure)).toMatch(/lacks the extension no_such_thing/)
    expect(String(failure)).toMatch(/install the package postgresql-1\d-no-such-thing/)
    expect(String(failure)).toMatch(/Supabase: Dashboard/)
    expect(await place.value("select to_regclass('a') is null")).toBe(true)
  })

  it.skipIf(serverUrl === null)('never lets a policy hide rows from a data migration', async () => {
    await using place = await setup()
    const owner = await asPlainOwner(place)
    const forced = 'alter table a force row level security'
    const source = files(place, {
      '0000_a': [TABLE_A, 'insert into a values (1)', 'alter table a enable row level security', forced].join(
        `;${BREAK}`,
      ),
      '0001_b': 'update a set id = 2',
    })
    try {
      await expect(migrate(owner.driver, source)).rejects.toThrow(
        /0001_b\.sql failed .* would be affected by row-level security/,
      )
      const unforced = 'alter table a no force row level security'
      files(place, { '0001_b': [unforced, 'update a set id = 2', forced].join(`;${BREAK}`) })
      expect(await migrate(owner.driver, source)).toEqual({ applied: ['0001_b'] })
      expect(await place.column('select id from a')).toEqual([2])
    } finally {
      await owner.close()
    }
  })

  it('keeps its history from every role but its owner', async () => {
    await using place = await setup()
    await place.script('alter default privileges grant all on tables to public')
    await migrate(place.driver, files(place, { '0000_a': TABLE_A }))
    expect(
      await place.value(
        `select count(*)::int from pg_class, aclexplode(relacl) as entry where oid = 'tenantry.migrations'::regclass and grantee <> relowner`,
      ),
    ).toBe(0)
  })
})

describe('readMigrations', () => {
  const read = (place: TestPlace, texts: Readonly<Record<string, string>>) =>
    readMigrations(files(place, texts).migrations)

  it('refuses two files with one number, and names and lines that it does not understand', async () => {
    await using place = await setup()
    expect(() => read(place, { '0000_a': '', '0000_b': '' })).toThrow(/0000_a\.sql and 0000_b\.sql/)
    rmSync(join(place.folder, '0000_b.sql'))
    expect(() => read(place, { first: '' })).toThrow(/first\.sql is not named/)
    rmSync(join(place.folder, 'first.sql'))
    expect(() => read(place, { '0001_x': '-- tenantry: no-transactions\nselect 1' })).toThrow(
      /isn't understood/,
    )
  })

  it('refuses a folder that its journal does not describe, until it is sealed', async () => {
    await using place = await setup()
    mkdirSync(join(place.folder, 'meta'))
    read(place, { '0000_a': TABLE_A })
    sealMigrations(place.folder)
    expect(read(place, {}).map(({ name }) => name)).toEqual(['0000_a'])
    expect(() => read(place, { '0000_a': TABLE_B })).toThrow(/0000_a\.sql was edited/)
    sealMigrations(place.folder)
    expect(() => read(place, { '0001_b': TABLE_B })).toThrow(/0001_b\.sql is not in/)
    sealMigrations(place.folder)
    rmSync(join(place.folder, '0001_b.sql'))
    expect(() => read(place, {})).toThrow(/0001_b\.sql is in .* missing/)
  })
})
