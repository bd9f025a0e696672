/** A process killed at every step of the protocol: whoever goes on ends in the same state. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeOnServer } from '@tenantry/testing/vitest'
import { directoryArchive, type RunReport } from '../src/index.ts'
import { bundle } from './support/bundle.ts'
import { rules } from './support/documents.ts'
import { seedDocuments, setup, type Setup } from './support/setup.ts'
import { STEPS } from './support/steps.ts'

const OLD = 1000

describeOnServer('a worker killed', () => {
  let program = ''
  beforeAll(async () => {
    program = await bundle('killed-process')
  })
  afterAll(() => rmSync(dirname(program), { recursive: true, force: true }))

  // At once: most of the time they wait for a lease to end.
  it.concurrent.each(STEPS)('at %s, time %d: another ends in the same state', async (step, times) => {
    await using test = await setup()
    await seedDocuments(test, OLD, 10)
    const before = await contents(test)
    const child = spawn(process.execPath, [program, test.url, test.folder, step, String(times)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    expect(await once(child, 'exit')).toEqual([null, 'SIGKILL'])
    const report = await goOn(test)
    expect(report).toMatchObject({ ended: 'done', kept: 0, backlog: { rows: 0 } })
    await expectEnd(test)
    await rules.restore(test.database, { store: directoryArchive(test.folder), rule: 'documents' })
    expect(await contents(test)).toEqual(before)
  })
})

/** As soon as the dead worker's lease is over. */
async function goOn(test: Setup): Promise<RunReport | undefined> {
  for (;;) {
    const [report] = await rules.run(test.database, {
      rules: ['documents'],
      store: directoryArchive(test.folder),
    })
    if (report?.ended !== 'busy') return report
    await new Promise((next) => setTimeout(next, 50))
  }
}

const contents = (test: Setup) => test.raw('select documents::text from documents order by id')

async function expectEnd(test: Setup): Promise<void> {
  expect(await test.count('documents')).toBe(10)
  const [runs] = await test.raw(
    `select count(*), count(finished_at) from tenantry.retention_runs where rule = 'documents'`,
  )
  expect(runs).toEqual(['1', '1'])
  const [totals] = await test.raw(`
select
  (select sum(row_count) from tenantry.archive_segments)::text,
  (select sum(changed) from tenantry.retention_batches)::text,
  (select count(*) from tenantry.archive_segments)::text`)
  expect(totals).toEqual([String(OLD), String(OLD), '3'])
  const keys: string[] = []
  for await (const { key } of directoryArchive(test.folder).list('')) keys.push(key)
  const recorded = (await test.raw('select key from tenantry.archive_segments')).map(([key]) => String(key))
  expect(keys.toSorted()).toEqual(recorded.toSorted())
}
