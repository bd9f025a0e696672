/**
 * A product with tables and migrations of its own, after its adoption. On an embedded PostgreSQL, gone with this
 * process; or on a server: `DATABASE_URL=postgres://…`, a database that it may write into.
 */
import { connect, TenantryError } from '@tenantry/core'
import { open } from './database.ts'
import { createPrinter } from './print.ts'
import { story } from './story.ts'

const { stdout, env } = process

try {
  stdout.write('Bicycle workshops: a schema of its own, adopted\n')
  const host = await open(env['DATABASE_URL'] || 'memory://')
  try {
    await story(
      await connect(host.client),
      createPrinter((line) => stdout.write(`${line}\n`)),
    )
  } finally {
    await host.close()
  }
} catch (error) {
  console.error(error instanceof TenantryError ? `\n${error.name}: ${error.message}` : error)
  process.exitCode = 1
}
