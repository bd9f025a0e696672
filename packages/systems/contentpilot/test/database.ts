/** Rows of a test database as objects, for statements that look at the catalog or try a constraint. */
import { createTestDatabase } from '@tenantry/testing'

export interface TestDatabase {
  rows<T extends object>(text: string, params?: readonly unknown[]): Promise<T[]>
  /** One or more statements without parameters. */
  script(text: string): Promise<void>
  close(): Promise<void>
}

export async function emptyDatabase(): Promise<TestDatabase> {
  const { database, close } = await createTestDatabase()
  return {
    rows: async <T>(text: string, params: readonly unknown[] = []) => {
      const { columns, rows } = await database.driver.query({ text, params })
      return rows.map((row) => Object.fromEntries(columns.map((column, at) => [column, row[at]])) as T)
    },
    script: (text) => database.driver.session((connection) => connection.script(text)),
    close,
  }
}
