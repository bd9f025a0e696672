/** The product's own handle on its database, as it was: drizzle-orm applies what is in drizzle-kit's folder. */
import { fileURLToPath } from 'node:url'
import { PGlite } from '@electric-sql/pglite'
import { drizzle as drizzlePGlite } from 'drizzle-orm/pglite'
import { migrate as migratePGlite } from 'drizzle-orm/pglite/migrator'
import { drizzle } from 'drizzle-orm/postgres-js'
import { migrate } from 'drizzle-orm/postgres-js/migrator'
import postgres from 'postgres'

const migrationsFolder = fileURLToPath(new URL('../drizzle', import.meta.url))

/** `memory://` is PostgreSQL in this process; anything else is a server's URL. Migrated when it is answered. */
export async function open(url: string) {
  if (url === 'memory://') {
    const client = await PGlite.create()
    await migratePGlite(drizzlePGlite(client), { migrationsFolder })
    return { client, close: () => client.close() }
  }
  const client = postgres(url, { onnotice: () => {} })
  try {
    await migrate(drizzle(client), { migrationsFolder })
  } catch (error) {
    await client.end()
    throw error
  }
  return { client, close: () => client.end() }
}
