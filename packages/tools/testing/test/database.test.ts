import { randomBytes } from 'node:crypto'
import { readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type Database } from '@tenantry/core'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { createTestDatabase, testServer, type TestDatabase, type TestDatabaseOptions } from '../src/index.ts'
import { describeOnServer, describeThroughPooler } from '../src/vitest.ts'

function setup() {
  const opened: TestDatabase[] = []
  const migrate = vi.fn(async (database: Database) => {
    await database.driver.query({ text: 'create table notes (body text)', params: [] })
  })
  const open = async (options: TestDatabaseOptions = {}) => {
    const made = await createTestDatabase({ migrate, ...options })
    opened.push(made)
    return made
  }
  const close = () => Promise.all(opened.map((made) => made.close()))
  return { open, migrate, close, template: { key: 'selftest', sources: [randomBytes(8).toString('hex')] } }
}

async function count({ database }: TestDatabase): Promise<unknown> {
  const { rows } = await database.driver.query({ text: 'select count(*)::int from notes', params: [] })
  return rows[0]?.[0]
}

// Embedded templates are 40 MB each, and those of this file serve nobody else.
afterAll(async () => {
  const base = join(tmpdir(), 'tenantry-test')
  const own = (await readdir(base).catch(() => [])).filter((name) => name.startsWith('template-selftest'))
  await Promise.all(own.map((name) => rm(join(base, name), { recursive: true })))
})

const insert = { text: `insert into notes values ('x')`, params: [] }

describe('createTestDatabase', () => {
  let close: (() => Promise<unknown>) | undefined
  afterEach(async () => close?.())
  const begin = () => {
    const made = setup()
    close = made.close
    return made
  }

  it('migrates a template once and hands out clones that share nothing', async () => {
    const { open, migrate, template } = begin()
    const [first, second] = await Promise.all([open({ template }), open({ template })])
    await first.database.driver.query(insert)
    expect(await count(first)).toBe(1)
    expect(await count(second)).toBe(0)
    const third = await open({ template })
    expect(await count(third)).toBe(0)
    if (testServer().kind === 'server') expect(migrate).toHaveBeenCalledTimes(1)
    else expect(migrate.mock.calls.length).toBeLessThanOrEqual(2)
  })

  it('makes a template anew when its sources change', async () => {
    const { open, migrate, template } = begin()
    await open({ template })
    await open({ template: { ...template, sources: [...template.sources, 'more'] } })
    expect(migrate).toHaveBeenCalledTimes(2)
  })

  it('makes a template anew after a migration that failed halfway', async () => {
    const { open, migrate, template } = begin()
    const half = async (database: Database) => {
      await migrate(database)
      throw new Error('halfway')
    }
    await expect(open({ template, migrate: half })).rejects.toThrow('halfway')
    const made = await open({ template })
    expect(await count(made)).toBe(0)
    expect(migrate).toHaveBeenCalledTimes(2)
  })

  it('migrates each database by itself without a template', async () => {
    const { open, migrate } = begin()
    await Promise.all([open(), open()])
    expect(migrate).toHaveBeenCalledTimes(2)
  })

  it('refuses a key that could not be part of a name', async () => {
    const { open } = begin()
    await expect(open({ template: { key: 'a; drop', sources: [] } })).rejects.toThrow(/key/)
  })
})

describeOnServer('a test database on a server', () => {
  it('is gone after close, whoever is still connected', async () => {
    const { open } = setup()
    const made = await open()
    const other = await connect(made.url)
    const name = new URL(made.url).pathname.slice(1)
    await made.close()
    await expect(other.health()).rejects.toThrow()
    await other.close()
    const admin = await connect(testServer().url)
    const { rows } = await admin.driver.query({
      text: 'select 1 from pg_database where datname = $1',
      params: [name],
    })
    await admin.close()
    expect(rows).toEqual([])
  })

  it('finds a session that was left open', async () => {
    const { open } = setup()
    await using made = await open()
    const other = await connect(made.url)
    await expect(made.expectNoLeaks()).rejects.toThrow(/session \d+ of/)
    await other.close()
    await expect(made.expectNoLeaks()).resolves.toBeUndefined()
  })

  it('finds a role that was left behind', async () => {
    const { open } = setup()
    const made = await open()
    const role = `tenantry_selftest_${randomBytes(4).toString('hex')}`
    await made.database.driver.session(async (session) => {
      await session.script(`create role ${role}; grant select on notes to ${role}`)
    })
    await expect(made.expectNoLeaks()).rejects.toThrow(`role ${role}`)
    await made.close()
    const admin = await connect(testServer().url)
    await admin.driver.query({ text: `drop role ${role}`, params: [] })
    await admin.close()
  })

  it('drops the template of other sources under the same key', async () => {
    const { open, template, close } = setup()
    const key = `selftest_${randomBytes(4).toString('hex')}`
    await open({ template: { ...template, key } })
    await open({ template: { key, sources: ['newer'] } })
    const admin = await connect(testServer().url)
    const { rows } = await admin.driver.query({
      text: `select datname::text from pg_database where datname like 'tenantry_template_' || $1 || '%'`,
      params: [key],
    })
    expect(rows).toHaveLength(1)
    const name = String(rows[0]?.[0])
    await admin.driver.session(async (session) => {
      await session.script(`alter database ${name} with is_template false`)
      await session.script(`drop database ${name}`)
    })
    await Promise.all([close(), admin.close()])
  })
})

describeThroughPooler('a test database behind a pooler', () => {
  it('is reached by its own URL', async () => {
    const { open } = setup()
    const made = await open()
    await made.database.driver.query(insert)
    const pooled = await connect({ url: made.poolerUrl, situation: 'pooler' })
    const { rows } = await pooled.driver.query({ text: 'select count(*)::int from notes', params: [] })
    expect(rows).toEqual([[1]])
    await pooled.close()
    await made.close()
  })
})
