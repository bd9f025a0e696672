/** What the example shows, tried; on the embedded PostgreSQL and, where there is one, on the tests' server. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { connect, StaleTransitionError } from '@tenantry/core'
import { generateMigration } from '@tenantry/ddl/generate'
import {
  createTestDatabase,
  createTestSystem,
  expectIsolated,
  type RowFactory,
  rowFactory,
  testServer,
} from '@tenantry/testing'
import { generateDrizzleJson, generateMigration as generateDrizzleMigration } from 'drizzle-kit/api'
import { sql } from 'drizzle-orm'
import { readMigrationFiles } from 'drizzle-orm/migrator'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { repairs } from '../src/adoption.ts'
import { attempts } from '../src/attempts.ts'
import { open } from '../src/database.ts'
import { createPrinter } from '../src/print.ts'
import * as schema from '../src/schema.ts'
import { story } from '../src/story.ts'
import { signUp } from '../src/workshops.ts'

type DrizzleSnapshot = ReturnType<typeof generateDrizzleJson>

/** For what walks a catalog or starts a process, on a machine that does other things as well. */
const PATIENCE_MS = 120_000

const folder = fileURLToPath(new URL('../drizzle', import.meta.url))
const text = (path: string) => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')

/** The product's own handle, on a database of its own. */
async function setup(where: 'embedded' | 'server') {
  const place = where === 'server' ? await createTestDatabase() : null
  const host = await open(place?.url ?? 'memory://')
  const database = await connect(host.client)
  const system = repairs(database)
  return {
    database,
    system,
    ...rowFactory(system),
    async close() {
      await host.close()
      await place?.close()
    },
  }
}

/** A row in every table of a workshop. */
async function seedWorkshop({ make, makeEach }: RowFactory<typeof schema>) {
  const [organizationId, userId] = [crypto.randomUUID(), crypto.randomUUID()]
  await make('mechanics', { workshopId: organizationId, userId })
  await makeEach(organizationId)
  return { userId, organizationId }
}

const places = testServer().kind === 'server' ? (['embedded', 'server'] as const) : (['embedded'] as const)

describe.each(places)('the adopted product, %s', (where) => {
  let place: Awaited<ReturnType<typeof setup>>
  beforeAll(async () => {
    place = await setup(where)
  })
  afterAll(() => place.close())

  const seed = () => seedWorkshop(place)

  it('has nothing open once drizzle-orm has applied the folder', async () => {
    expect(await place.system.verify()).toEqual([])
  })

  it(
    'keeps workshops apart, whatever is tried through the role of a tenant',
    async () => {
      await expectIsolated(place.system, { seed })
    },
    PATIENCE_MS,
  )

  it('tells its story: no attempt gets a row, no illegal step is made, one racer wins', async () => {
    const lines: string[] = []
    const outcome = await story(
      place.database,
      createPrinter((line) => lines.push(line)),
    )
    expect(outcome.attempts.filter(({ got }) => got !== 0)).toEqual([])
    expect(outcome.attempts).toHaveLength(12)
    expect(outcome.refusals.map(([, refusal]) => refusal.split(':')[0])).toEqual([
      'StaleTransitionError',
      'StaleTransitionError',
    ])
    expect(outcome.race).toEqual({ winners: 1, stale: 7 })
    expect(outcome.leaver).toEqual({ before: 2, after: 0 })
    expect(outcome.hiring).toEqual({ refused: 'PlanLimitError', smallestPlan: 'works', mechanics: 4 })
    expect(lines.filter((line) => line.length > 100 || line !== line.trimEnd())).toEqual([])
  })

  it('gets what it tries where the rows are its own, so that the attempts prove something', async () => {
    const workshop = await signUp(place.system, 'Alone', [['Ada', 'Road bike', 'puncture']])
    const made = await attempts(place.system, workshop, workshop)
    expect(made.slice(0, 8).filter(({ got }) => got === 0)).toEqual([])
  })

  it('makes every step of the machine and no other, in raw SQL', async () => {
    const steps = [
      'received on_bench',
      'received cancelled',
      'on_bench ready',
      'on_bench cancelled',
      'ready collected',
    ]
    const { organizationId, userId } = await seed()
    const { db } = place.system.as({ organizationId, userId })
    const made: string[] = []
    for (const from of schema.TICKET_STATUSES) {
      for (const to of schema.TICKET_STATUSES.filter((status) => status !== from)) {
        const { id } = await place.make('tickets', { workshopId: organizationId })
        for (const status of PATHS[from]) await db.execute(step(id, status))
        const refusal: unknown = await db.execute(step(id, to)).then(
          () => made.push(`${from} ${to}`),
          (error: unknown) => error,
        )
        if (typeof refusal !== 'number') expect(refusal).toBeInstanceOf(StaleTransitionError)
      }
    }
    expect(made.toSorted()).toEqual(steps.toSorted())
  })
})

const PATHS: Readonly<Record<(typeof schema.TICKET_STATUSES)[number], readonly string[]>> = {
  received: [],
  on_bench: ['on_bench'],
  ready: ['on_bench', 'ready'],
  collected: ['on_bench', 'ready', 'collected'],
  cancelled: ['cancelled'],
}

const step = (id: string, status: string) => sql`update tickets set status = ${status} where id = ${id}`

describe('the adoption', () => {
  it('takes fewer than 60 lines, blank ones and comments included', () => {
    const lines = ['src/adoption.ts', 'tenantry.config.ts'].flatMap((path) =>
      text(path).trimEnd().split('\n'),
    )
    expect(lines.length).toBeLessThan(60)
  })

  it('has its plans in fewer than 25 lines', () => {
    expect(text('src/plans.ts').trimEnd().split('\n').length).toBeLessThan(25)
  })

  it("is in the host's own folder of migrations: nothing is left to generate", async () => {
    const { name, objects, moduleTables } = repairs.definition
    const target = { directory: folder, mode: 'objects', format: 'drizzle-kit' } as const
    const options = { name, objects, moduleTables, ...target }
    expect(await generateMigration({ ...options, dryRun: true })).toEqual({ file: null, text: null })
  })

  it('changes no table: drizzle-kit sees its own last state', async () => {
    const last = JSON.parse(text('drizzle/meta/0003_snapshot.json')) as DrizzleSnapshot
    const now = generateDrizzleJson({ ...schema }, last.id)
    expect(await generateDrizzleMigration(last, now)).toEqual([])
    for (const file of ['0001_adopt_tenantry', '0003_plans']) {
      expect(text(`drizzle/${file}.sql`)).not.toMatch(
        /create table (?!"tenantry"\.)|alter table (?!"tenantry"\.).+ (add|drop|alter|rename) /i,
      )
    }
  })
})

it(
  "isolates on a database of the test kit's own, which applies the same folder",
  async () => {
    const sources = [new URL('../drizzle/', import.meta.url)]
    await using place = await createTestSystem(repairs, {
      template: { key: 'own_schema', sources },
      migrate: ({ driver }) =>
        driver.session(async (connection) => {
          const migrations = readMigrationFiles({ migrationsFolder: folder })
          for (const statement of migrations.flatMap((each) => each.sql)) await connection.script(statement)
        }),
    })
    await expectIsolated(place.system, { seed: () => seedWorkshop(place) })
  },
  PATIENCE_MS,
)

it(
  'runs as a command, embedded, and prints what it shows',
  () => {
    const main = fileURLToPath(new URL('../src/main.ts', import.meta.url))
    const args = ['--conditions=@tenantry/source', '--import', 'tsx', main]
    const { status, stdout, stderr } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      env: { ...process.env, DATABASE_URL: '' },
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
    expect(stdout).toContain('verify() found nothing in 14 tables')
    expect(stdout).toContain('1 took it; 7 were told that it is taken')
  },
  PATIENCE_MS,
)
