/**
 * ContentPilot's main job on real text. On an embedded PostgreSQL, in this process and gone with it; or on a
 * server: `DATABASE_URL=postgres://… npm run quickstart`.
 */
import { TenantryError } from '@tenantry/core'
import { createPrinter } from './print.ts'
import { quickstart } from './quickstart.ts'
import { start } from './steps.ts'

const { stdout, env } = process
const color = stdout.isTTY && !env['NO_COLOR']
const print = createPrinter((line) => stdout.write(`${line}\n`), { color })

try {
  print.title('Tenantry quickstart: ContentPilot, two customers, one database')
  const url = env['DATABASE_URL'] || 'memory://'
  const database = await print.step('Start PostgreSQL', () => start(url, print))
  try {
    await quickstart(database, print)
  } finally {
    await database.close()
  }
} catch (error) {
  // Its message says what to do next; a stack tells nothing more to somebody who mistyped a URL.
  console.error(error instanceof TenantryError ? `\n${error.name}: ${error.message}` : error)
  process.exitCode = 1
}
