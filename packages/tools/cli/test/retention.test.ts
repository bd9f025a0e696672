import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { migrate } from '@tenantry/ddl'
import { generateMigration } from '@tenantry/ddl/generate'
import type { RunReport } from '@tenantry/retention'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { main } from '../src/main.ts'
import { barOf } from '../src/progress.ts'
import { diary } from './retention-host/system.ts'
import { type Host, setup } from './support.ts'

const USER = '00000000-0000-4000-8000-00000000000a'

let host: Host
beforeEach(async () => {
  host = await setup('retention-host')
  const { name, objects, schema } = diary.definition
  const migrations = join(host.folder, 'migrations')
  await generateMigration({ name, objects, schema, directory: migrations })
  await host.withDatabase(async ({ driver }) => {
    await migrate(driver, { system: name, migrations })
    // 4 of 10 notes, and 31 of 90 visits, are old enough.
    for (const text of [
      `insert into notes (user_id, body, created_at) select '${USER}', n::text, now() - n * interval '15 days' from generate_series(0, 9) as n`,
      `insert into visits (user_id, created_at) select '${USER}', now() - n * interval '12 hours' from generate_series(1, 90) as n`,
    ]) {
      await driver.query({ text, params: [] })
    }
  })
})
afterEach(() => host[Symbol.asyncDispose]())

const counts = () =>
  host.withDatabase(async ({ driver }) => {
    const text = `select (select count(*)::int from notes), (select count(*)::int from visits), (select count(*)::int from tenantry.retention_runs)`
    return (await driver.query({ text, params: [] })).rows[0]
  })

/** In this process, so that it can be told that somebody looks at it. */
async function tenantry(args: readonly string[], terminal = false) {
  let [stdout, stderr] = ['', '']
  const code = await main(
    args,
    { cwd: host.folder, env: { DATABASE_URL: host.url } },
    { out: (text) => void (stdout += text), err: (text) => void (stderr += text), terminal },
  )
  return { code, stdout, stderr }
}

describe('retention plan', () => {
  it('says what would go, by rule, and writes nothing', async () => {
    const { code, stdout } = await tenantry(['retention', 'plan'])
    expect(code).toBe(0)
    expect(stdout).toMatch(
      /diary: 2 rules\n {2}notes +delete +4 of 10 rows .*\n {2}visits +delete +31 of 90 rows/,
    )
    expect(await counts()).toEqual([10, 90, 0])
  })

  it('for programs is one document, and exits 1 where a rule would be refused', async () => {
    await host.withDatabase(({ driver }) =>
      driver.query({ text: `delete from visits where created_at > now() - interval '20 days'`, params: [] }),
    )
    const { code, stdout, stderr } = await tenantry(['retention', 'plan', '--json', '--rule', 'visits'])
    expect(JSON.parse(stdout)).toMatchObject({
      system: 'diary',
      plans: [{ rule: 'visits', phases: [{ effect: 'delete', rows: 31 }], blockers: [{ code: 'share' }] }],
    })
    expect([code, stderr]).toEqual([1, ''])
  })
})

describe('retention run', () => {
  it('prints its plan first, and then what it did; restore brings archived rows back', async () => {
    const { code, stdout, stderr } = await tenantry(['retention', 'run'])
    expect(stdout.indexOf('4 of 10 rows')).toBeLessThan(
      stdout.indexOf('notes: done; delete 4; archived 4 in 1 object'),
    )
    expect(stdout).toContain('visits: done; delete 31')
    expect([code, stderr]).toEqual([0, ''])
    expect(await counts()).toEqual([6, 59, 2])

    const status = await tenantry(['retention', 'status'])
    expect(status.code).toBe(0)
    expect(status.stdout).toContain('every rule comes to its end')
    expect(status.stdout).toMatch(/notes +0 to go .* 4 rows archived/)

    const restored = await tenantry(['retention', 'restore', '--rule', 'notes'])
    expect(restored).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('restored 4 of 4 rows from 1 segment'),
    })
    expect((await counts())?.[0]).toBe(10)
  })

  it('leaves a refused rule alone, goes on with the others, and exits 1', async () => {
    await host.withDatabase(({ driver }) =>
      driver.query({ text: `delete from notes where created_at > now() - interval '80 days'`, params: [] }),
    )
    const { code, stdout } = await tenantry(['retention', 'run', '--json'])
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      results: [
        { rule: 'notes', error: { code: 'TENANTRY_RETENTION_REFUSED' } },
        { rule: 'visits', report: { ended: 'done', changed: { delete: 31 } } },
      ],
    })
    expect(await tenantry(['retention', 'run', '--rule', 'notes', '--any-share'])).toMatchObject({ code: 0 })
    expect((await counts())?.[0]).toBe(0)
  })

  it('goes on with the others where a rule fails, tells what each did, and exits 3', async () => {
    writeFileSync(join(host.folder, 'archive'), 'no folder')
    const { code, stdout } = await tenantry(['retention', 'run', '--json'])
    expect(code).toBe(3)
    expect(JSON.parse(stdout)).toMatchObject({
      results: [
        { rule: 'notes', error: { code: 'TENANTRY_ARCHIVE' } },
        { rule: 'visits', report: { ended: 'done', changed: { delete: 31 } } },
      ],
    })
    // Nothing is left to archive, and the store still fails.
    await host.withDatabase(({ driver }) =>
      driver.query({ text: `delete from notes where created_at < now() - interval '80 days'`, params: [] }),
    )
    const again = await tenantry(['retention', 'run'])
    expect(again).toMatchObject({ code: 3, stdout: expect.stringMatching(/notes: failed: .*archive/) })
    expect(again.stdout).toContain('visits: done')
  })

  it('stops at its limit, says so, and the next run goes on', async () => {
    const limited = await tenantry(['retention', 'run', '--rule', 'visits', '--max-rows', '10'])
    expect(limited).toMatchObject({ code: 1, stdout: expect.stringContaining('stopped at its limit') })
    expect((await counts())?.[1]).toBe(80)
    const status = await tenantry(['retention', 'status'])
    expect(status).toMatchObject({ code: 1, stdout: expect.stringContaining('notes, visits not finished') })
    expect(await tenantry(['retention', 'run'])).toMatchObject({ code: 0 })
    expect(await counts()).toEqual([6, 59, 2])
  })

  it('shows a bar on a terminal, which is gone at the end, and none elsewhere', async () => {
    const shown = await tenantry(['retention', 'run'], true)
    expect(shown.stderr).toContain('notes [')
    expect(shown.stderr.endsWith('\r')).toBe(true)
    expect(shown.stdout).not.toContain('[#')
    expect((await tenantry(['retention', 'run'])).stderr).toBe('')
    expect((await tenantry(['retention', 'run', '--json'], true)).stderr).toBe('')
  })

  it('names rows that refuse by their keys, does all others, and exits 3; restore names rows that are not back', async () => {
    const key = await host.withDatabase(async ({ driver }) => {
      for (const text of [
        `create function public.refuse() returns trigger language plpgsql as $$ begin raise exception 'secret %', old.body; end $$`,
        `create trigger refuse before delete on notes for each row when (old.body = '7') execute function public.refuse()`,
      ]) {
        await driver.query({ text, params: [] })
      }
      const { rows } = await driver.query({ text: `select id::text from notes where body = '7'`, params: [] })
      return `{"id":"${String(rows[0]?.[0])}"}`
    })
    const { code, stdout } = await tenantry(['retention', 'run'])
    expect(code).toBe(3)
    expect(stdout).toContain(`\n  ${key}\n`)
    expect(stdout).not.toContain('secret')
    expect(await counts()).toEqual([7, 59, 2])
    const asJson = await tenantry(['retention', 'run', '--rule', 'notes', '--any-share', '--json'])
    expect(JSON.parse(asJson.stdout)).toMatchObject({
      results: [
        { error: { code: 'TENANTRY_RETENTION_ROWS', rows: [{ key: JSON.parse(key) }], report: { kept: 1 } } },
      ],
    })
    await host.withDatabase(async ({ driver }) => {
      for (const text of [
        'drop trigger refuse on notes',
        `create unique index on notes (body)`,
        `insert into notes (user_id, body) values ('${USER}', '8')`,
      ]) {
        await driver.query({ text, params: [] })
      }
    })
    const restored = await tenantry(['retention', 'restore', '--rule', 'notes'])
    expect(restored).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/restored 2 of 3 rows .*\n1 row not back: .*\n {2}\{"id":"[-0-9a-f]+"\}/),
    })
  })

  it('an object that was altered exits 3, and nothing is restored', async () => {
    await tenantry(['retention', 'run', '--rule', 'notes'])
    await host.withDatabase(({ driver }) =>
      driver
        .query({ text: `select key from tenantry.archive_segments`, params: [] })
        .then(async ({ rows }) => {
          const { appendFileSync } = await import('node:fs')
          appendFileSync(join(host.folder, 'archive', String(rows[0]?.[0])), 'x')
        }),
    )
    const restored = await tenantry(['retention', 'restore', '--rule', 'notes', '--json'])
    expect(restored.code).toBe(3)
    expect(JSON.parse(restored.stdout)).toMatchObject({ error: { code: 'TENANTRY_ARCHIVE' } })
    expect((await counts())?.[0]).toBe(6)
  })
})

describeOnServer('an interrupt', () => {
  it.each(['SIGINT', 'SIGTERM'] as const)(
    '(%s) in the middle of a run ends it between two batches, frees the rule and exits 1; the next run goes on',
    async (signal) => {
      await host.withDatabase(async ({ driver }) => {
        for (const text of [
          `insert into visits (user_id, created_at) select '${USER}', now() - interval '50 days' from generate_series(1, 400)`,
          `create function public.slow() returns trigger language plpgsql as $$ begin perform pg_sleep(0.02); return old; end $$`,
          `create trigger slow before delete on visits for each row execute function public.slow()`,
        ]) {
          await driver.query({ text, params: [] })
        }
      })
      const asked = ['retention', 'run', '--rule', 'visits', '--any-share', '--json'] as const
      const { child, result } = host.start(...asked)
      await expect.poll(batches, { timeout: 20_000 }).toBeGreaterThan(2)
      child.kill(signal)
      const { code, stdout, stderr } = await result
      expect({ code, stderr }).toEqual({ code: 1, stderr: '' })
      const { results } = JSON.parse(stdout) as { results: [{ report: RunReport }] }
      const { ended, changed, backlog } = results[0].report
      expect(ended).toBe('aborted')
      const taken = changed['delete'] ?? 0
      expect(taken).toBeGreaterThan(0)
      expect(taken).toBeLessThan(431)
      expect(backlog).toMatchObject({ rows: 431 - taken })
      expect(await left()).toEqual([490 - taken, String(taken), true, null])
      await host.withDatabase(({ driver }) =>
        driver.query({ text: 'drop trigger slow on visits', params: [] }),
      )
      const next = await host.tenantry(...asked)
      expect(next.code).toBe(0)
      expect(JSON.parse(next.stdout)).toMatchObject({
        results: [{ report: { ended: 'done', changed: { delete: 431 - taken } } }],
      })
      // One run, at its end.
      expect(await left()).toEqual([59, '431', true, true])
    },
  )

  const batches = () =>
    host.withDatabase(async ({ driver }) => {
      const text = 'select count(*)::int from tenantry.retention_batches'
      return Number((await driver.query({ text, params: [] })).rows[0]?.[0])
    })

  /** Visits, how many were noted as deleted, whether the rule is free, and whether the only run is at its end. */
  const left = () =>
    host.withDatabase(async ({ driver }) => {
      const text = `
select
  (select count(*)::int from visits), (select sum(changed)::text from tenantry.retention_batches),
  (select expires_at <= clock_timestamp() from tenantry.retention_leases),
  (select finished_at is not null or null from tenantry.retention_runs)`
      return (await driver.query({ text, params: [] })).rows[0]
    })
})

describe('what is wrongly asked for', () => {
  it.each([
    [['retention'], 'Write tenantry retention plan, or tenantry retention run'],
    [['retention', 'purge'], 'needs to be told what to do'],
    [['retention', 'run', '--max-rows', 'many'], '--max-rows must be a whole number above 0'],
    [['retention', 'run', '--rule', 'none'], 'There is no retention rule none. There are: notes, visits'],
    [['retention', 'restore', '--rule', 'none'], 'There are: notes, visits'],
    [['retention', 'restore'], 'Give either --rule or --segments'],
    [
      ['retention', 'restore', '--rule', 'notes', '--into', 'notes'],
      '--into must name a table as schema.name',
    ],
  ])('%j exits 2 and says what to do', async (args, expected) => {
    const { code, stderr } = await tenantry(args)
    expect(stderr).toContain(expected)
    expect(code).toBe(2)
    expect(await counts()).toEqual([10, 90, 0])
  })
})

describe('the bar', () => {
  it('is full at the end, and never fuller', () => {
    const bar = (done: number) => barOf('notes', { total: 200, done, exported: 0, seconds: 2 })
    expect(bar(0)).toBe(`notes [${'-'.repeat(30)}] 0 % 0 of 200 rows, 0/s`)
    expect(bar(100)).toBe(`notes [${'#'.repeat(15)}${'-'.repeat(15)}] 50 % 100 of 200 rows, 50/s, 2 s to go`)
    expect(bar(300)).toContain(`[${'#'.repeat(30)}] 100 %`)
  })
})
