/** How a run paces itself, and what it says about it. */
import { describe, expect, it } from 'vitest'
import { describeOnServer } from '@tenantry/testing/vitest'
import { ConfigurationError, IsolationError } from '@tenantry/core'
import { AdaptiveBatch } from '../src/engine/adaptive.ts'
import { directoryArchive, type RetentionEvent, transactorOf } from '../src/index.ts'
import { rules } from './support/documents.ts'
import { hooked } from './support/faults.ts'
import { ALICE, seedDocuments, setup } from './support/setup.ts'

describe('a batch', () => {
  it('is halved when it was slow, and grows back in smaller steps to a quarter of the target', () => {
    const batch = new AdaptiveBatch({ rows: 1000, maxRows: 4000, targetMs: 50 })
    batch.took(51)
    expect(batch.rows).toBe(500)
    batch.took(49)
    expect(batch.rows).toBe(500)
    batch.took(13)
    expect(batch.rows).toBe(500)
    batch.took(12)
    expect(batch.rows).toBe(625)
    batch.took(6)
    expect(batch.rows).toBe(1250)
    for (let n = 0; n < 10; n++) batch.took(1)
    expect(batch.rows).toBe(4000)
    for (let n = 0; n < 20; n++) batch.took(1000)
    expect(batch.rows).toBe(1)
  })
})

describeOnServer('a budget', () => {
  it('of rows ends a run that says how far it is behind; the next goes on with it', async () => {
    await using test = await setup()
    await seedDocuments(test, 1000)
    await test.raw(`
insert into documents (user_id, title, created_at)
select '${ALICE}', 'soon', now() - interval '90 days' + interval '5 hours' from generate_series(1, 7)`)
    const store = directoryArchive(test.folder)
    const [first] = await rules.run(test.database, { rules: ['documents'], store, maxRows: 300 })
    const done = first?.changed['delete'] ?? 0
    expect(done).toBeGreaterThanOrEqual(300)
    expect(done).toBeLessThan(500)
    expect(first).toMatchObject({ ended: 'budget', backlog: { rows: 1000 - done, arrivingPerDay: 7 } })
    expect(first?.backlog?.rowsPerSecond).toBeGreaterThan(0)
    expect(first?.backlog?.secondsToFinish).toBeCloseTo(
      (1000 - done) / (first?.backlog?.rowsPerSecond ?? 0),
      5,
    )
    expect(first?.backlog?.oldest?.getTime()).toBeLessThan(Date.now() - 99 * 86_400_000)
    const [status] = await rules.status(test.database, { rules: ['documents'] })
    expect(status).toMatchObject({
      backlogRows: 1000 - done,
      lastRun: { id: first?.runId, finishedAt: null, changed: done },
    })
    const [second] = await rules.run(test.database, { rules: ['documents'], store })
    expect(second).toMatchObject({ runId: first?.runId, ended: 'done', changed: { delete: 1000 - done } })
    expect(await rules.status(test.database, { rules: ['documents'] })).toMatchObject([
      { backlogRows: 0, secondsToFinish: 0, archive: { rows: 1000 } },
    ])
  })

  it('of a batch is kept where many rows are of one moment, and none of them is left', async () => {
    await using test = await setup()
    await test.raw(`
insert into notes (user_id, body, created_at)
select '${ALICE}', 'old', now() - interval '60 days' + case when n % 3 = 0 then n * interval '1 second' else '0' end
from generate_series(1, 500) as n`)
    const sizes: number[] = []
    const onEvent = (event: RetentionEvent) => event.type === 'batch' && sizes.push(event.changed)
    const [report] = await rules.run(test.database, { rules: ['notes'], anyShare: true, onEvent })
    expect(report).toMatchObject({ ended: 'done', changed: { delete: 500 }, kept: 0, backlog: { rows: 0 } })
    expect(Math.max(...sizes)).toBeLessThanOrEqual(80)
    expect(
      await test.raw(`select sum(changed)::text, count(*)::text from tenantry.retention_batches`),
    ).toEqual([['500', String(sizes.filter((size) => size > 0).length)]])
    expect(await test.count('notes')).toBe(0)
  })

  it('of time, or a signal, ends a run between two transactions', async () => {
    await using test = await setup()
    await seedDocuments(test, 600)
    const store = directoryArchive(test.folder)
    const controller = new AbortController()
    const [aborted] = await rules.run(test.database, {
      rules: ['documents'],
      store,
      signal: controller.signal,
      onEvent: ({ type }) => {
        if (type === 'batch') controller.abort()
      },
    })
    expect(aborted).toMatchObject({ ended: 'aborted', changed: { delete: 50 } })
    const [late] = await rules.run(test.database, { rules: ['documents'], store, maxMs: 1 })
    expect(late).toMatchObject({ ended: 'budget', changed: { delete: 0 } })
    expect(await rules.run(test.database, { rules: ['documents'], store })).toMatchObject([{ ended: 'done' }])
    expect(await test.count('documents')).toBe(0)
  })

  it('below nothing is refused', async () => {
    await using test = await setup()
    await expect(rules.run(test.database, { maxRows: 0 })).rejects.toThrow(ConfigurationError)
    await expect(rules.run(test.database, { rules: ['no such'] })).rejects.toThrow(
      /There is no retention rule/,
    )
  })
})

describeOnServer('a pressed server', () => {
  it.each([
    ['replication', [30, false]],
    ['vacuum', [0, true]],
  ] as const)('is waited for: %s', async (reason, pressure) => {
    await using test = await setup()
    await seedDocuments(test, 100)
    let asked = 0
    const pressed = {
      ...test.database.driver,
      transaction: ((options, run) =>
        test.database.driver.transaction(options, (connection) =>
          run({
            ...connection,
            query: async (statement) => {
              const answer = await connection.query(statement)
              if (!statement.text.includes('pg_stat_replication')) return answer
              return ++asked > 2 ? answer : { ...answer, rows: [pressure] }
            },
          }),
        )) satisfies (typeof test.database.driver)['transaction'],
    }
    const events: RetentionEvent[] = []
    const [report] = await rules.run(pressed, {
      rules: ['documents'],
      store: directoryArchive(test.folder),
      pressure: { intervalMs: 5 },
      onEvent: (event) => events.push(event),
    })
    expect(report).toMatchObject({ ended: 'done', changed: { delete: 100 } })
    expect(events.filter(({ type }) => type === 'waiting')).toMatchObject([{ reason }, { reason }])
  })
})

describeOnServer('a run', () => {
  it('works on the one session that a job is handed', async () => {
    await using test = await setup()
    await seedDocuments(test, 100)
    const [report] = await test.database.driver.session((session) =>
      rules.run(transactorOf(session), { rules: ['documents'], store: directoryArchive(test.folder) }),
    )
    expect(report).toMatchObject({ ended: 'done', changed: { delete: 100 } })
  })

  it('by a login that may not act for retention is refused, with the grant that it lacks', async () => {
    await using test = await setup()
    const login = `retention_login_${process.pid}`
    await test.raw(`create role ${login} login`)
    try {
      const asLogin = hooked(
        {
          ...test.database.driver,
          transaction: (options, run) =>
            test.database.driver.transaction(
              {
                ...options,
                preamble: [
                  { text: `set local session authorization ${login}`, params: [] },
                  ...(options.preamble ?? []),
                ],
              },
              run,
            ),
        },
        {},
      )
      const refused = rules.run(asLogin, { rules: ['documents'], store: directoryArchive(test.folder) })
      await expect(refused).rejects.toThrow(IsolationError)
      await expect(refused).rejects.toThrow(/grant tenantry_retention to/)
    } finally {
      await test.raw(`drop role ${login}`)
    }
  })

  it('has a row in the audit for every transaction that deleted, in that transaction', async () => {
    await using test = await setup()
    await seedDocuments(test, 230)
    const [report] = await rules.run(test.database, {
      rules: ['documents'],
      store: directoryArchive(test.folder),
    })
    const batches = await test.raw(`
select run_id::text, segment_id is not null, fence::text, effect, changed, first_line, last_line
from tenantry.retention_batches order by first_line`)
    expect(batches.reduce((sum, row) => sum + Number(row[4]), 0)).toBe(230)
    expect(batches[0]).toEqual([report?.runId, true, '1', 'delete', 50, 0, 49])
    const [[wrong] = []] = await test.raw(
      `select count(*) from tenantry.retention_batches group by xmin having count(*) > 1`,
    )
    expect(wrong).toBeUndefined()
  })
})
