/** How long importing takes, in processes of its own: what a cold start pays before its first statement. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { median } from './interleave.ts'
import type { Line } from './table.ts'

const run = promisify(execFile)

const MODULES = {
  ours: ['@tenantry/contentpilot'],
  bare: ['drizzle-orm', 'postgres', 'zod'],
  driver: ['drizzle-orm', 'drizzle-orm/pg-core', 'drizzle-orm/postgres-js', 'postgres', 'zod'],
} as const

/** The built packages, as a host imports them: without the condition by which tests read the sources. */
async function importMs(modules: readonly string[]): Promise<number> {
  const code = `const started = performance.now()
    await Promise.all(${JSON.stringify(modules)}.map((name) => import(name)))
    console.log(performance.now() - started)`
  const { stdout } = await run(process.execPath, ['--input-type=module', '-e', code], {
    cwd: import.meta.dirname,
    env: { ...process.env, NODE_OPTIONS: '' },
  })
  return Number(stdout)
}

export async function importTime(rounds: number): Promise<readonly Line[]> {
  const times = { ours: [] as number[], bare: [] as number[], driver: [] as number[] }
  const names = ['ours', 'bare', 'driver'] as const
  for (let round = 0; round < rounds; round++) {
    for (let turn = 0; turn < names.length; turn++) {
      const name = names[(turn + round) % names.length] ?? 'ours'
      times[name].push(await importMs(MODULES[name]))
    }
  }
  const line = (against: 'bare' | 'driver', reference: string, target?: number): Line => ({
    scenario: 'import contentpilot',
    measure: 'time',
    of: 'ours',
    reference,
    ours: `${median(times.ours).toFixed(0)} ms`,
    other: `${median(times[against]).toFixed(0)} ms`,
    ratio: median(times.ours.map((time, round) => time / (times[against][round] ?? Number.NaN))),
    ...(target === undefined ? {} : { target: { relation: '≤', value: target } }),
  })
  return [
    line('bare', 'drizzle-orm, postgres, zod', 1.5),
    line('driver', 'the same with Drizzle for PostgreSQL'),
  ]
}
