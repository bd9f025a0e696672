import { connect, type ConnectOptions, type Database } from '@tenantry/core'
import { createEmbedded } from './embedded-database.ts'
import { createOnServer } from './server-database.ts'
import { testServer } from './server.ts'

export interface TestDatabaseOptions {
  /** Prepares the database, normally by running the migrations. Called on an empty database. */
  readonly migrate?: (database: Database, url: string) => Promise<unknown>
  /**
   * Migrate once, then clone: every later call with the same key and sources, in any process, gets a copy
   * of the first one's result. Absent: every call migrates its own.
   */
  readonly template?: TemplateOptions
  /** How to connect; see `connect`. */
  readonly connect?: Omit<ConnectOptions, 'url' | 'client'>
}

export interface TemplateOptions {
  /** Names the template among others on the same server: lower-case letters, digits and `_`, at most 30. */
  readonly key: string
  /**
   * What the prepared database follows from: files or folders by URL (the migrations), or text. When one
   * changes, the template is made anew and the old one dropped.
   */
  readonly sources: readonly (URL | string)[]
}

/** A database of its own for one test or file. */
export interface TestDatabase {
  readonly database: Database
  /** For further connections. The embedded database has none to give: a second process may not open it. */
  readonly url: string
  /** The same database through PgBouncer in transaction mode, where `TEST_POOLER_URL` is set. */
  readonly poolerUrl: string | undefined
  /**
   * Closes `database`, then throws if anything else is left: a session on this database that nobody closed,
   * or a role made since that owns or was granted something here. A role without either can't be told
   * from a neighbour's. Sessions that a pooler keeps count too: not for tests that used `poolerUrl`.
   */
  expectNoLeaks(): Promise<void>
  /** Closes `database` and removes all of it, whoever is still connected. May be called twice. */
  close(): Promise<void>
  [Symbol.asyncDispose](): Promise<void>
}

/** What the two kinds of server give. */
export interface Created {
  readonly url: string
  readonly poolerUrl: string | undefined
  /** What is left open or behind, in words, once the test's own handles are closed. */
  findLeaks(): Promise<readonly string[]>
  remove(): Promise<void>
}

/**
 * Makes a database on the server of this test run (see `testServer`): a clone of a migrated template on
 * PostgreSQL, a copy of a prepared folder for the embedded one.
 */
export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const server = testServer()
  const created =
    server.kind === 'server' ? await createOnServer(server, options) : await createEmbedded(options)
  const database = await connect({ ...options.connect, url: created.url }).catch(async (error: unknown) => {
    await created.remove()
    throw error
  })
  let closed: Promise<void> | undefined
  const close = () => (closed ??= database.close().then(() => created.remove()))
  return {
    database,
    url: created.url,
    poolerUrl: created.poolerUrl,
    async expectNoLeaks() {
      await database.close()
      const leaks = await created.findLeaks()
      if (leaks.length > 0) throw new Error(`The test left something behind:\n${leaks.join('\n')}`)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}
