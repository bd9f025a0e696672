/** Eight processes, ten thousand rows, and workers killed at random. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeOnServer } from '@tenantry/testing/vitest'
import { jobClaims, objects, schema } from './support/jobs.ts'
import { createSystem, type Setup } from './support/setup.ts'

const WORKERS = 8
const JOBS = 10_000
const KILLS = 6

describeOnServer('many processes', () => {
  let test: Setup
  const children = new Set<ChildProcess>()
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-workers-'))
  const program = join(folder, 'worker.mjs')
  beforeAll(async () => {
    // One file that starts at once: eight processes that compile the sources would be busy with that alone.
    await build({
      entryPoints: [join(import.meta.dirname, 'support/worker-process.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      conditions: ['@tenantry/source'],
      external: ['@electric-sql/*'],
      banner: {
        js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url)",
      },
    })
    test = await createSystem('jobs', { schema, objects })
    await test.raw(`create table holds (job uuid not null, token uuid not null, alone boolean not null)`)
    await test.raw(
      `insert into jobs (user_id, priority) select 'user_' || n % 20, n % 7 from generate_series(1, ${JOBS}) as n`,
    )
  })
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    await test.close()
    rmSync(folder, { recursive: true })
  })

  function start(): Promise<ChildProcess> {
    const child = spawn(process.execPath, [program, test.url], { stdio: ['ignore', 'pipe', 'pipe'] })
    children.add(child)
    child.once('exit', () => children.delete(child))
    let errors = ''
    child.stderr?.on('data', (data: Buffer) => (errors += data.toString()))
    return new Promise((started, failed) => {
      child.stdout?.once('data', () => started(child))
      child.once('exit', (code) => failed(new Error(`A worker ended with ${code}: ${errors}`)))
    })
  }

  const open = async (): Promise<number> =>
    Number(
      (await test.raw(`select count(*) from jobs where status not in ('done', 'failed', 'timeout')`))[0]?.[0],
    )

  it(
    'do every row, each by one at a time, none lost and none twice, although workers are killed at random',
    { timeout: 240_000 },
    async () => {
      const workers = await Promise.all(Array.from({ length: WORKERS }, start))
      for (let kill = 1; kill <= KILLS; kill++) {
        const left = (JOBS * (KILLS + 1 - kill)) / (KILLS + 1)
        while ((await open()) > left) await new Promise((next) => setTimeout(next, 100))
        const index = Math.floor(Math.random() * WORKERS)
        const victim = workers[index]
        const dead = victim === undefined ? undefined : once(victim, 'exit')
        victim?.kill('SIGKILL')
        await dead
        workers[index] = await start()
      }
      while ((await open()) > 0) await new Promise((next) => setTimeout(next, 100))
      await Promise.all(
        workers.map(async (worker) => {
          const ended = once(worker, 'exit')
          worker.kill('SIGTERM')
          expect(await ended).toEqual([0, null])
        }),
      )
      const [counts] = await test.raw(`
      select
        count(*) filter (where status = 'done'),
        count(*) filter (where result = jsonb_build_object('words', priority)),
        -- A row's last holder is the one that finished it.
        count(*) filter (where exists (select from holds where job = jobs.id and token = jobs.lease_token)),
        sum(attempts) > ${JOBS},
        max(attempts) <= 3
      from jobs`)
      expect(counts).toEqual([String(JOBS), String(JOBS), String(JOBS), true, true])
      const [holds] = await test.raw(`
      select count(*) filter (where not alone), count(*) - count(distinct token) from holds`)
      expect(holds).toEqual(['0', '0'])
      expect(await jobClaims.backlog(test.service)).toMatchObject({
        ready: 0,
        delayed: 0,
        working: 0,
        expired: 0,
      })
    },
  )
})
