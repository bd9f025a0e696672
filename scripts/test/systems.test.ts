/** All systems on one server at once: its roles, and whatever else belongs to the cluster, are shared. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { createTestDatabase, type TestDatabase } from '@tenantry/testing'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, expect, it } from 'vitest'
import config from '../../tenantry.config.ts'

const PROCESSES = 3

const children = new Set<ChildProcess>()

describeOnServer('the systems, side by side on one server', () => {
  const places = new Map<(typeof config.systems)[number], TestDatabase>()
  afterAll(async () => {
    for (const child of children) child.kill('SIGKILL')
    for (const place of places.values()) await place.close()
  })

  it(
    'migrate into fresh databases by several processes at once: each migration is applied by one, and nothing is open',
    { timeout: 90_000 },
    async () => {
      for (const factory of config.systems) places.set(factory, await createTestDatabase())
      const processes = await Promise.all(Array.from({ length: PROCESSES }, start))
      const urls = Object.fromEntries([...places].map(([{ definition }, { url }]) => [definition.name, url]))
      const answers = await Promise.all(processes.map((process) => process.answer(urls)))
      for (const [factory, place] of places) {
        const { name } = factory.definition
        const system = factory(place.database)
        const { applied, pending } = await system.status()
        expect(applied.length, name).toBeGreaterThan(0)
        expect(pending, name).toEqual([])
        // One found all of them to do; the others came after it.
        const counts = answers.map((answer) => answer[name] ?? 0).toSorted((a, b) => b - a)
        expect(counts, name).toEqual([applied.length, ...Array.from({ length: PROCESSES - 1 }, () => 0)])
        expect(await system.verify(), name).toEqual([])
        await place.expectNoLeaks()
      }
    },
  )
})

interface Migrating {
  /** Migrations that it applied, by system. */
  answer(urls: Readonly<Record<string, string>>): Promise<Readonly<Record<string, number>>>
}

/** A process that has loaded everything, and waits. */
async function start(): Promise<Migrating> {
  const child: ChildProcess = spawn(
    process.execPath,
    [
      '--conditions=@tenantry/source',
      '--import',
      'tsx',
      join(import.meta.dirname, 'support/migrate-systems.ts'),
    ],
    { stdio: ['pipe', 'pipe', 'pipe'] },
  )
  children.add(child)
  child.once('exit', () => children.delete(child))
  let errors = ''
  child.stderr?.on('data', (data: Buffer) => (errors += data.toString()))
  const ended = once(child, 'exit')
  if (child.stdout === null) throw new Error('The process has no output')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<string> => {
    const line = await lines.next()
    if (line.done !== true) return line.value
    throw new Error(`The process ended with ${String((await ended)[0])}: ${errors}`)
  }
  expect(await next()).toBe('ready')
  return {
    async answer(urls) {
      child.stdin?.end(`${JSON.stringify(urls)}\n`)
      const answer = JSON.parse(await next()) as Readonly<Record<string, number>>
      expect(await ended, errors).toEqual([0, null])
      return answer
    },
  }
}
