/**
 * Prints ratios; never fails because of one.
 *
 *   npm run bench                 everything
 *   npm run bench -- --quick      fewer rows and rounds: noisier
 *   npm run bench -- point list   scenarios whose name contains one of the words
 */
import { loadavg } from 'node:os'
import { byHandLine } from './by-hand.ts'
import { claimLines } from './claims.ts'
import { type Clients, openClients } from './clients.ts'
import { projectContents } from './contents.ts'
import { createBenchDatabase } from './database.ts'
import { openDistance } from './distance.ts'
import { importTime } from './import-time.ts'
import { limitLines } from './limits.ts'
import { keywordTree } from './keyword-tree.ts'
import { measure } from './measure.ts'
import { retentionLines } from './retention.ts'
import { scenarios } from './scenarios/index.ts'
import { seedDatabase, type SeedSize } from './seed.ts'
import { isMet, type Line, renderTable } from './table.ts'

const FULL: SeedSize = {
  tenants: 100,
  pillarsPerTenant: 10,
  topicsPerTenant: 500,
  largeTenantTopics: 100_000,
  voiceExamplesPerTenant: 30,
}
const QUICK: SeedSize = { ...FULL, tenants: 20, largeTenantTopics: 20_000 }

const args = process.argv.slice(2)
const quick = args.includes('--quick')
const words = args.filter((arg) => !arg.startsWith('--'))
const serverUrl = process.env['TEST_DATABASE_URL']
if (serverUrl === undefined || !/^postgres(ql)?:\/\//.test(serverUrl)) {
  console.error(
    'Set TEST_DATABASE_URL to a PostgreSQL 17 with pgvector, by a superuser: postgres://postgres@127.0.0.1:5432/postgres',
  )
  process.exit(2)
}

const wanted = (name: string): boolean => words.length === 0 || words.some((word) => name.includes(word))
const turns = quick ? { rounds: 6, warmUp: 2 } : { rounds: 30, warmUp: 4 }
const size = quick ? QUICK : FULL
const lines: Line[] = []

const loadBefore = loadavg()[0] ?? 0
const database = await createBenchDatabase(serverUrl)
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => void database.remove().finally(() => process.exit(130)))
}
try {
  const started = performance.now()
  const seed = await seedDatabase(database.ownerUrl, size)
  console.log(
    `PostgreSQL ${database.serverVersion}, Node ${process.versions.node}; ${size.tenants} tenants, ` +
      `${size.largeTenantTopics} topics of the large one; seeded in ${((performance.now() - started) / 1000).toFixed(1)} s.`,
  )
  const distance = await openDistance(serverUrl)
  const { ownerUrl, appUrl, usualUrl } = database
  const distant = {
    ownerUrl: distance.away(ownerUrl),
    appUrl: distance.away(appUrl),
    usualUrl: distance.away(usualUrl),
  }
  const clients = await Promise.all(
    [database, distant].flatMap((urls) => [openClients(urls, 1), openClients(urls, 10)]),
  )
  const [single, many, distantSingle, distantMany] = clients as [Clients, Clients, Clients, Clients]
  try {
    for (const scenario of scenarios) {
      if (!wanted(scenario.name)) continue
      console.log(`Measuring ${scenario.name} …`)
      const setup =
        scenario.distant === true
          ? { seed, single: distantSingle, many: distantMany }
          : { seed, single, many }
      lines.push(...(await measure(scenario, setup, turns)))
    }
  } finally {
    await Promise.all(clients.map((each) => each.close()))
    distance.close()
  }
} finally {
  await database.remove()
}
if (wanted('claims')) {
  console.log('Measuring claims and transitions …')
  lines.push(...(await claimLines(serverUrl, quick)))
}
if (wanted('limits')) {
  console.log('Measuring plan limits …')
  lines.push(...(await limitLines(serverUrl, quick)))
}
if (wanted('retention')) {
  console.log('Measuring retention …')
  lines.push(...(await retentionLines(serverUrl, quick)))
}
if (wanted('contents')) {
  console.log('Measuring a project with files and outputs …')
  lines.push(await byHandLine(serverUrl, quick, projectContents(quick)))
}
if (wanted('keywords')) {
  console.log('Measuring a tree of keywords …')
  lines.push(await byHandLine(serverUrl, quick, keywordTree))
}
if (wanted('import')) {
  console.log('Measuring import …')
  lines.push(...(await importTime(quick ? 5 : 21)))
}

console.log(`\n${renderTable(lines)}\n`)
const targets = lines.filter((line) => isMet(line) !== undefined)
console.log(
  `${targets.filter((line) => isMet(line) === true).length} of ${targets.length} targets met. A ratio is the median over rounds, taken within each round.`,
)
console.log(
  `Load of the machine before and after: ${loadBefore.toFixed(1)}, ${(loadavg()[0] ?? 0).toFixed(1)}.`,
)
