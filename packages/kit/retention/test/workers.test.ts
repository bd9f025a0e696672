/** Several workers, one rule; and one that sleeps past its lease. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { rmSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { dirname } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeOnServer } from '@tenantry/testing/vitest'
import { directoryArchive, LeaseLostError } from '../src/index.ts'
import { bundle } from './support/bundle.ts'
import { rules } from './support/documents.ts'
import { hooked, storeWith } from './support/faults.ts'
import { seedDocuments, setup, type Setup } from './support/setup.ts'

describeOnServer('several workers', () => {
  it('do nothing twice: one has the rule, the others are told that it is busy', async () => {
    await using test = await setup()
    await seedDocuments(test, 1000)
    const store = directoryArchive(test.folder)
    const others = await Promise.all([test.other(), test.other(), test.other()])
    const reports = await Promise.all(
      [test.database, ...others].map(async (database) => {
        const [report] = await rules.run(database, { rules: ['documents'], store })
        return report
      }),
    )
    expect(reports.filter((report) => report?.ended === 'done').length).toBeGreaterThanOrEqual(1)
    expect(reports.reduce((sum, report) => sum + (report?.changed['delete'] ?? 0), 0)).toBe(1000)
    const [totals] = await test.raw(
      `select sum(row_count)::text, (select sum(changed) from tenantry.retention_batches)::text from tenantry.archive_segments`,
    )
    expect(totals).toEqual(['1000', '1000'])
  })

  it.each(['after its upload', 'between two deletions'])(
    'one that sleeps past its lease %s changes nothing more',
    async (when) => {
      await using test = await setup()
      await seedDocuments(test, 500)
      const store = directoryArchive(test.folder)
      const other = await test.other()
      let slept = false
      /** As if its lease had run out meanwhile, and another worker had come. */
      const sleep = async (): Promise<void> => {
        if (slept) return
        slept = true
        await other.driver.query({
          text: `update tenantry.retention_leases set fence = fence + 1, expires_at = now() - interval '1 second'`,
          params: [],
        })
      }
      const sleeper =
        when === 'after its upload'
          ? rules.run(test.database, {
              rules: ['documents'],
              store: storeWith(store, {
                async put(key, body, options) {
                  const outcome = await store.put(key, body, options)
                  await sleep()
                  return outcome
                },
              }),
            })
          : rules.run(
              hooked(test.database.driver, {
                async committed(statements) {
                  if (statements.some(({ text }) => text.includes('= any (pg_catalog.string_to_array')))
                    await sleep()
                },
              }),
              { rules: ['documents'], store },
            )
      await expect(sleeper).rejects.toThrow(LeaseLostError)
      expect(slept).toBe(true)
      const left = await test.count('documents')
      const [[changed] = []] = await test.raw(
        `select coalesce(sum(changed), 0)::text from tenantry.retention_batches`,
      )
      expect(500 - left).toBe(Number(changed))
      const [report] = await rules.run(other, { rules: ['documents'], store })
      expect(report).toMatchObject({ ended: 'done', changed: { delete: left } })
      expect(
        (await readdir(test.folder, { recursive: true })).filter((name) => name.endsWith('.gz')),
      ).toHaveLength(await test.count('tenantry.archive_segments'))
    },
  )
})

describeOnServer('a frozen worker', () => {
  let program = ''
  let child: ChildProcess | undefined
  beforeAll(async () => {
    program = await bundle('frozen-process')
  })
  afterAll(() => {
    child?.kill('SIGKILL')
    rmSync(dirname(program), { recursive: true, force: true })
  })

  it('that wakes up after another took over is fenced off, and the state is as if it had never been', async () => {
    await using test = await setup()
    await seedDocuments(test, 1000)
    child = spawn(process.execPath, [program, test.url, test.folder], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [said] = (await once(child.stdout ?? process.stdin, 'data')) as [Buffer]
    expect(said.toString()).toContain('deleting')
    child.kill('SIGSTOP')
    const report = await takeOver(test)
    expect(report).toMatchObject({ ended: 'done', backlog: { rows: 0 } })
    let rest = ''
    child.stdout?.on('data', (data: Buffer) => (rest += data.toString()))
    child.kill('SIGCONT')
    const ended = await once(child, 'exit')
    expect(ended).toEqual([0, null])
    expect(rest).toContain('LeaseLostError')
    const [totals] = await test.raw(
      `select sum(row_count)::text, (select sum(changed) from tenantry.retention_batches)::text from tenantry.archive_segments`,
    )
    expect(totals).toEqual(['1000', '1000'])
    expect(await test.count('documents')).toBe(0)
  })
})

async function takeOver(test: Setup) {
  for (;;) {
    const [report] = await rules.run(test.database, {
      rules: ['documents'],
      store: directoryArchive(test.folder),
    })
    if (report?.ended !== 'busy') return report
    await new Promise((next) => setTimeout(next, 50))
  }
}
