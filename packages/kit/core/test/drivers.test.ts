/** One suite that every driver runs: whatever client stands behind it, these hold. */
import { afterAll, describe, expect, it } from 'vitest'
import postgres from 'postgres'
import pg from 'pg'
import {
  ConfigurationError,
  type IsolationLevel,
  connect,
  ConnectionError,
  DatabaseError,
  TimeoutError,
  UniqueViolationError,
  type Database,
} from '../src/index.ts'

const url = process.env['TEST_DATABASE_URL']
const poolerUrl = process.env['TEST_POOLER_URL']

interface Subject {
  readonly database: Database
  readonly close: () => Promise<void>
}

const subjects: Record<string, (() => Promise<Subject>) | undefined> = {
  'postgres.js by URL': url ? () => connect(url).then(own) : undefined,
  'postgres.js without fetch_types': url
    ? async () => {
        const client = postgres(url, { fetch_types: false, prepare: false, max: 3, onnotice: () => {} })
        return { database: await connect(client), close: () => client.end() }
      }
    : undefined,
  'postgres.js through PgBouncer': poolerUrl
    ? () => connect({ url: poolerUrl, situation: 'pooler' }).then(own)
    : undefined,
  'node-postgres Pool': url
    ? async () => {
        const pool = new pg.Pool({ connectionString: url, max: 3 })
        return { database: await connect(pool), close: () => pool.end() }
      }
    : undefined,
  PGlite: () => connect('memory://').then(own),
}

function own(database: Database): Subject {
  return { database, close: () => database.close() }
}

const VALUES = `select true, 1::int2, 2147483647, 9223372036854775807, 1.50::numeric(6,2), 0.5::float8, 'text'::text,
  '{"a":[1,null]}'::jsonb, '\\x00ff'::bytea, null::text, '2026-02-09 10:30:00.123456+00'::timestamptz at time zone 'utc',
  '{a,"b c",NULL}'::text[], '00000000-0000-4000-8000-000000000001'::uuid`

for (const [name, open] of Object.entries(subjects)) {
  describe.skipIf(open === undefined)(`driver: ${name}`, async () => {
    if (open === undefined) return
    const { database, close } = await open()
    const { driver } = database
    afterAll(close)

    it('hands values over alike, exact to the last digit', async () => {
      const answer = await driver.query({ text: VALUES, params: [] })
      expect(answer.rows).toEqual([
        [
          true,
          1,
          2147483647,
          '9223372036854775807',
          '1.50',
          0.5,
          'text',
          { a: [1, null] },
          Buffer.from([0, 255]),
          null,
          '2026-02-09 10:30:00.123456',
          '{a,"b c",NULL}',
          '00000000-0000-4000-8000-000000000001',
        ],
      ])
      expect([answer.command, answer.count]).toEqual(['SELECT', 1])
    })

    it('may leave values in bytes where that is asked for: the same text, and null stays null', async () => {
      for (const reusable of [false, true]) {
        const text = `select repeat($1, 3), null::text, 5`
        const { rows, count } = await driver.query({ text, params: ['é漢'], bytes: true, reusable })
        const read = rows.map((row) =>
          row.map((value) =>
            value === null
              ? null
              : value instanceof Uint8Array
                ? Buffer.from(value).toString()
                : String(value),
          ),
        )
        expect({ read, count }).toEqual({ read: [['é漢é漢é漢', null, '5']], count: 1 })
      }
    })

    it('takes every kind of parameter as text that the server types', async () => {
      const answer = await driver.query({
        text: 'select $1::bool, $2::int, $3::int8, $4::timestamptz = $5::timestamptz, $6::jsonb, $7::bytea, $8::text[], $9::text',
        params: [
          true,
          7,
          9n,
          new Date(0),
          '1970-01-01T00:00:00Z',
          { a: 1 },
          new Uint8Array([1, 2]),
          ['x', '"\\,', null],
          null,
        ],
        reusable: true,
      })
      expect(answer.rows[0]).toEqual([
        true,
        7,
        '9',
        true,
        { a: 1 },
        Buffer.from([1, 2]),
        '{x,"\\"\\\\,",NULL}',
        null,
      ])
    })

    it('reuses a statement on many sessions at once', async () => {
      const answers = await Promise.all(
        Array.from({ length: 30 }, (_, n) =>
          driver.query({ text: 'select $1::int + 1', params: [n], reusable: true }),
        ),
      )
      expect(answers.map((answer) => answer.rows[0]?.[0])).toEqual(
        Array.from({ length: 30 }, (_, n) => n + 1),
      )
    })

    it('runs one statement at a time', async () => {
      const two = { text: 'select 1; select 2', params: [] }
      await expect(driver.query(two)).rejects.toMatchObject({ sqlState: '42601' })
      await expect(driver.transaction({}, (connection) => connection.query(two))).rejects.toMatchObject({
        sqlState: '42601',
      })
    })

    it('takes a statement that makes a table from a query for what it is', async () => {
      const table = `made_${Math.random().toString(36).slice(2)}`
      await driver.query({
        text: `create table ${table} as select * from generate_series(1, 3) as n`,
        params: [],
      })
      const { rows } = await driver.query({ text: `select count(*)::int from ${table}`, params: [] })
      await driver.query({ text: `drop table ${table}`, params: [] })
      expect(rows).toEqual([[3]])
    })

    it('commits what resolves, rolls back what rejects', async () => {
      const table = `t_${Math.random().toString(36).slice(2)}`
      await driver.transaction({}, async (connection) =>
        connection.script(`create table ${table} (n int primary key)`),
      )
      await driver.transaction({}, (connection) =>
        connection.query({ text: `insert into ${table} values (1)`, params: [] }),
      )
      const reason = new Error('no')
      await expect(
        driver.transaction({}, async (connection) => {
          await connection.query({ text: `insert into ${table} values (2)`, params: [] })
          throw reason
        }),
      ).rejects.toBe(reason)
      const { rows } = await driver.query({ text: `select n from ${table}`, params: [] })
      await driver.query({ text: `drop table ${table}`, params: [] })
      expect(rows).toEqual([[1]])
    })

    it('reports the first failure of a transaction, not that it is aborted', async () => {
      const failing = driver.transaction({}, async (connection) => {
        await connection.query({
          text: 'create temp table once (n int primary key) on commit drop',
          params: [],
        })
        await connection.query({ text: 'insert into once values (1)', params: [] })
        await connection.query({ text: 'insert into once values (1)', params: [] }).catch(() => {})
        await connection.query({ text: 'select 1', params: [] })
      })
      await expect(failing).rejects.toBeInstanceOf(UniqueViolationError)
    })

    it('does not pretend to commit after a swallowed failure', async () => {
      const failing = driver.transaction({}, async (connection) => {
        await connection.query({
          text: 'create temp table twice (n int primary key) on commit drop',
          params: [],
        })
        await connection.query({ text: 'insert into twice values (1),(1)', params: [] }).catch(() => {})
      })
      await expect(failing).rejects.toBeInstanceOf(UniqueViolationError)
    })

    it('recovers from a failure by a savepoint', async () => {
      const value = await driver.transaction({}, async (connection) => {
        await connection
          .savepoint((part) => part.query({ text: 'select 1/0', params: [] }))
          .catch((error: unknown) => expect(error).toMatchObject({ cause: { code: '22012' } }))
        return (await connection.query({ text: 'select 5', params: [] })).rows[0]?.[0]
      })
      expect(value).toBe(5)
    })

    it('runs the preamble before the callback and drops its settings with the transaction', async () => {
      const preamble = [
        { text: "select set_config('app.probe', $1, true)", params: [`a'b"\\$$--`], reusable: true },
      ]
      const probe = { text: "select current_setting('app.probe', true)", params: [] }
      const inside = await driver.transaction({ preamble }, (connection) => connection.query(probe))
      expect(inside.rows[0]?.[0]).toBe(`a'b"\\$$--`)
      const outside = await Promise.all(Array.from({ length: 8 }, () => driver.query(probe)))
      expect(outside.every((answer) => !answer.rows[0]?.[0])).toBe(true)
    })

    it('commits nothing and says so when the echo finds another session', async () => {
      const table = `e_${Math.random().toString(36).slice(2)}`
      await driver.query({ text: `create table ${table} (n int)`, params: [] })
      const echo = { text: "select 1 / (current_setting('app.probe', true) = $1)::int", params: ['me'] }
      const run = (probe: string) =>
        driver.transaction(
          { preamble: [{ text: `select set_config('app.probe', $1, true)`, params: [probe] }], echo },
          (connection) => connection.query({ text: `insert into ${table} values (1)`, params: [] }),
        )
      await expect(run('other')).rejects.toBeInstanceOf(ConnectionError)
      await run('me')
      const { rows } = await driver.query({ text: `select count(*)::int from ${table}`, params: [] })
      await driver.query({ text: `drop table ${table}`, params: [] })
      expect(rows).toEqual([[1]])
    })

    // PGlite has no timers inside a statement: it knows statement_timeout and doesn't act on it.
    if (driver.traits.concurrent) {
      it('limits statements of a transaction in time', async () => {
        const slow = driver.transaction({ statementTimeoutMs: 30 }, (connection) =>
          connection.query({ text: 'select count(*) from generate_series(1, 1000000000)', params: [] }),
        )
        await expect(slow).rejects.toBeInstanceOf(TimeoutError)
      })
    }

    it('has no text in its isolation level, and no limit but a whole number', async () => {
      for (const options of [
        { isolation: 'serializable; create table harm (x int)' as IsolationLevel },
        { statementTimeoutMs: Number.NaN },
        { statementTimeoutMs: -1 },
      ]) {
        await expect(driver.transaction(options, async () => {})).rejects.toBeInstanceOf(ConfigurationError)
      }
    })

    it('leaves no transaction open on any session when one could not be opened', async () => {
      const failing = { preamble: [{ text: 'select 1 / 0', params: [] }] }
      for (const options of [failing, { statementTimeoutMs: -1 }]) {
        await expect(driver.transaction(options, async () => {})).rejects.toThrow()
      }
      // Outside a transaction there is nothing to make a savepoint in; in an aborted one the code is another.
      const probe = { text: 'savepoint probe', params: [] }
      const codes = await Promise.all(
        Array.from({ length: 6 }, () => driver.query(probe).catch((error: DatabaseError) => error.sqlState)),
      )
      expect(codes).toEqual(Array.from({ length: 6 }, () => '25P01'))
    })

    it('refuses writes in a read-only transaction', async () => {
      const writing = driver.transaction({ readOnly: true, isolation: 'serializable' }, (connection) =>
        connection.script('create table never (n int)'),
      )
      await expect(writing).rejects.toMatchObject({ sqlState: '25006' })
      await expect(writing).rejects.toBeInstanceOf(DatabaseError)
    })

    it('answers on its health', async () => {
      const health = await database.health()
      expect(health).toMatchObject({
        readOnly: false,
        role: 'postgres',
        serverVersion: expect.stringMatching(/^1[78]\./),
      })
    })
  })
}
