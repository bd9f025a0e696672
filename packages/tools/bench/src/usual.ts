/** The usual way to have a tenant's context: a transaction, and set_config in it before anything else. */
import { sql } from 'drizzle-orm'
import type { PostgresJsDatabase } from 'drizzle-orm/postgres-js'

type Transaction = Parameters<Parameters<PostgresJsDatabase['transaction']>[0]>[0]

export function withTenant<T>(
  db: PostgresJsDatabase,
  tenant: string,
  run: (tx: Transaction) => Promise<T>,
): Promise<T> {
  return db.transaction(async (tx) => {
    await tx.execute(sql`select set_config('app.current_user_id', ${tenant}, true)`)
    return run(tx)
  })
}
