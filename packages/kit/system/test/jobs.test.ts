import { connect, type Job } from '@tenantry/core'
import { createTestDatabase, type TestDatabase } from '@tenantry/testing'
import { describeOnServer } from '@tenantry/testing/vitest'
import { parseCrontab, run as runWorker } from 'graphile-worker'
import PgBoss from 'pg-boss'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { graphileJobs, type LoopEvent, pgCronPlan, runJobLoop, workOnPgBoss } from '../src/jobs.ts'

const job = (name: string, schedule: string, sql?: string): Job => ({
  name,
  schedule,
  description: name,
  ...(sql === undefined ? {} : { sql }),
  run: async () => ({ changed: 0, message: '' }),
})

/** A system whose jobs say when they begin, and end when they are told. */
function source(...jobs: readonly Job[]) {
  const begun: string[] = []
  const waiting: { readonly name: string; readonly signal: AbortSignal | undefined; end(): void }[] = []
  return {
    begun,
    waiting,
    definition: { name: 'shop', jobs },
    runJob: (name: string, options: { readonly signal?: AbortSignal } = {}) => {
      begun.push(name)
      return new Promise<string>((resolve) => {
        const end = (): void => resolve(`${name}: done`)
        options.signal?.addEventListener('abort', end, { once: true })
        waiting.push({ name, signal: options.signal, end })
      })
    },
  }
}

describe('the plain loop', () => {
  beforeEach(() => {
    vi.useFakeTimers({ now: new Date('2026-03-01T00:00:30Z') })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('runs each job at its times in UTC, and none twice at a time', async () => {
    const system = source(job('each minute', '* * * * *'), job('at one', '0 1 * * *'))
    const events: LoopEvent[] = []
    const controller = new AbortController()
    const loop = runJobLoop(system, { signal: controller.signal, onEvent: (event) => events.push(event) })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(system.begun).toEqual(['each minute'])
    await vi.advanceTimersByTimeAsync(60_000)
    expect(system.begun).toEqual(['each minute'])
    expect(events.at(-1)).toEqual({ type: 'skipped', job: 'each minute' })
    system.waiting[0]?.end()
    await vi.advanceTimersByTimeAsync(60_000)
    expect(system.begun).toEqual(['each minute', 'each minute'])
    system.waiting[1]?.end()
    await vi.advanceTimersByTimeAsync(60 * 60_000)
    expect(system.begun.filter((name) => name === 'at one')).toHaveLength(1)
    controller.abort()
    await loop
  })

  it('ends when it is told to, after the jobs that run have been told and have ended', async () => {
    const system = source(job('each minute', '* * * * *'))
    const controller = new AbortController()
    let ended = false
    const loop = runJobLoop(system, { signal: controller.signal }).then(() => (ended = true))
    await vi.advanceTimersByTimeAsync(60_000)
    expect(ended).toBe(false)
    controller.abort()
    await loop
    expect(system.waiting[0]?.signal?.aborted).toBe(true)
    await vi.advanceTimersByTimeAsync(600_000)
    expect(system.begun).toHaveLength(1)
  })

  it('goes on after a job has failed, and says so', async () => {
    const events: LoopEvent[] = []
    const controller = new AbortController()
    const failing = {
      definition: { name: 'shop', jobs: [job('each minute', '* * * * *')] },
      runJob: () => Promise.reject(new Error('no')),
    }
    const loop = runJobLoop(failing, { signal: controller.signal, onEvent: (event) => events.push(event) })
    await vi.advanceTimersByTimeAsync(120_000)
    expect(events.filter(({ type }) => type === 'failed')).toHaveLength(2)
    controller.abort()
    await loop
  })

  it.each(['* * * * * *', '@daily', '61 * * * *', ''])('refuses the schedule "%s"', async (schedule) => {
    await expect(
      runJobLoop(source(job('odd', schedule)), { signal: new AbortController().signal }),
    ).rejects.toMatchObject({ code: 'TENANTRY_CONFIGURATION' })
  })
})

describe('names', () => {
  it('two jobs that a scheduler could not tell apart are refused', () => {
    const twins = source(job('clean up', '* * * * *'), job('clean/up', '* * * * *'))
    expect(() => graphileJobs(twins)).toThrow(/can't be told apart/)
  })
})

describeOnServer('schedulers', () => {
  let test: TestDatabase
  beforeEach(async () => {
    test = await createTestDatabase()
  })
  afterEach(() => test.close())

  it('pg-boss works on them, once at a time, and stops with the job that runs', async () => {
    const boss: PgBoss = new PgBoss({ connectionString: test.url, max: 3 })
    await boss.start()
    const system = source(job('Refresh dashboard', '*/5 * * * *'))
    const name = 'shop-refresh-dashboard'
    // Before anybody works on it, so that it is found at the first look.
    await boss.createQueue(name, { name, policy: 'stately' })
    await boss.send(name, {})
    try {
      const stop = await workOnPgBoss(boss, system)
      expect(await boss.getSchedules()).toMatchObject([{ name, cron: '*/5 * * * *', timezone: 'UTC' }])
      await expect.poll(() => system.begun, { timeout: 20_000 }).toEqual(['Refresh dashboard'])
      // One more may wait; a third isn't even queued.
      expect(await boss.send(name, {})).not.toBeNull()
      expect(await boss.send(name, {})).toBeNull()
      await stop()
      expect(system.waiting[0]?.signal?.aborted).toBe(true)
      expect(system.begun).toHaveLength(1)
    } finally {
      await boss.stop({ graceful: false, wait: true })
    }
  })

  it('graphile-worker works on them, by a crontab that it can read', async () => {
    const system = source(job('Refresh dashboard', '*/5 * * * *'), job('purge', '0 3 * * 1-5'))
    const { taskList, crontab } = graphileJobs(system)
    expect(parseCrontab(crontab).map(({ task }) => task)).toEqual(['shop-refresh-dashboard', 'shop-purge'])
    const runner = await runWorker({
      connectionString: test.url,
      maxPoolSize: 3,
      taskList: { ...taskList },
      crontab,
      noHandleSignals: true,
      pollInterval: 200,
    })
    await runner.addJob('shop-purge', {}, { jobKey: 'shop-purge', queueName: 'shop-purge' })
    await expect.poll(() => system.begun, { timeout: 20_000 }).toEqual(['purge'])
    system.waiting[0]?.end()
    await runner.stop()
  })

  it('pg_cron gets what is SQL alone, and loses what is no longer declared', async () => {
    const database = new URL(test.url).pathname.slice(1)
    const name = `shop-${database.slice(-10)}`
    const plan = (...jobs: readonly Job[]) => pgCronPlan({ definition: { name, jobs } }, { database })
    const command = `delete from notes where body = 'it''s'`
    const first = plan(job('purge', '0 3 1 1 *', command), job('files', '0 4 * * *'))
    expect(first.left).toEqual(['files'])
    // It lives in one database of the server, which isn't ours: nothing of this is committed.
    const admin = await connect(Object.assign(new URL(test.url), { pathname: '/postgres' }).href)
    onTestFinished(() => admin.close())
    const undone = admin.driver.transaction({}, async (connection) => {
      await connection.script('create extension if not exists pg_cron')
      const scheduled = async () =>
        (
          await connection.query({
            text: 'select jobname, schedule, command, database from cron.job where starts_with(jobname, $1)',
            params: [name],
          })
        ).rows
      for (const text of [...first.statements, ...first.statements]) await connection.script(text)
      expect(await scheduled()).toEqual([[`${name}-purge`, '0 3 1 1 *', command, database]])
      for (const text of plan().statements) await connection.script(text)
      expect(await scheduled()).toEqual([])
      throw new Undone()
    })
    await expect(undone).rejects.toThrow(Undone)
  })
})

class Undone extends Error {}
