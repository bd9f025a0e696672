/** A database of its own for a test file, and an executor that runs and remembers every statement. */
import {
  type Answer,
  bindQuery,
  type CompiledQuery,
  connect,
  type Connection,
  type Database,
  type Executor,
  type ExecutorRole,
  type Statement,
} from '@tenantry/core'
import { sql, type SQL } from 'drizzle-orm'
// By path: the package stands above this one, and only this prover of it is wanted.
import { tenantsNamed } from '@tenantry/testing/statement-tenants'
import { DDL, TENANT_TABLES } from './tables.ts'

export const ALICE = '00000000-0000-4000-8000-00000000000a'
export const BOB = '00000000-0000-4000-8000-00000000000b'

/** As a scope's gate: it sets the context as it is evaluated. */
export const GATE = sql`(select set_config('app.current_user_id', ${sql.placeholder('test_user')}, true)) is not null`

export interface TestExecutor extends Executor {
  /** What was run, oldest first. */
  readonly statements: RunStatement[]
}

export interface RunStatement extends Statement {
  readonly gated: boolean
}

export interface ExecutorOptions {
  readonly gate?: SQL | null
  readonly role?: ExecutorRole
  /** Stands between the server's answer and the repository. */
  readonly tamper?: (answer: Answer) => Answer
}

export interface Setup {
  readonly database: Database
  as(tenant: string | null, options?: ExecutorOptions): TestExecutor
  /** Closes the database, after proving that every statement that was run named its tenant. */
  close(): Promise<void>
}

export async function setup(): Promise<Setup> {
  const url = process.env['TEST_DATABASE_URL'] || 'memory://'
  const { database, drop } = url === 'memory://' ? await embedded() : await onServer(url)
  await database.driver.transaction({}, (connection) => connection.script(DDL))
  const executors: TestExecutor[] = []
  return {
    database,
    as(tenant, options) {
      const made = executor((statement) => database.driver.query(statement), database, tenant, options)
      executors.push(made)
      return made
    },
    async close() {
      await database.close()
      await drop()
      for (const { tenant, statements } of executors) {
        for (const { text, params } of statements) {
          const violations = await tenantsNamed(
            text,
            TENANT_TABLES,
            tenant === null ? undefined : { params, tenant },
          )
          if (violations.length > 0) throw new Error(`${JSON.stringify(violations)} in ${text}`)
        }
      }
    },
  }
}

async function embedded() {
  const database = await connect('memory://')
  await database.driver.query({ text: 'create extension if not exists vector', params: [] })
  return { database, drop: async () => {} }
}

async function onServer(url: string) {
  const name = `repository_test_${process.pid}_${Math.random().toString(36).slice(2, 8)}`
  const administer = async (text: string) => {
    const admin = await connect({ url, maxConnections: 1 })
    await admin.driver.session((session) => session.script(text))
    await admin.close()
  }
  await administer(`create database ${name}`)
  const own = new URL(url)
  own.pathname = `/${name}`
  const database = await connect({ url: own.href, maxConnections: 3 })
  await database.driver.query({ text: 'create extension if not exists vector', params: [] })
  return { database, drop: () => administer(`drop database ${name} with (force)`) }
}

type Run = Connection['query']

function executor(
  run: Run,
  database: Database,
  tenant: string | null,
  options: ExecutorOptions = {},
  statements: TestExecutor['statements'] = [],
): TestExecutor {
  const { gate = null, role = 'tenant', tamper = (answer) => answer } = options
  return {
    role,
    tenant,
    gate,
    statements,
    async run(query: CompiledQuery, values = {}) {
      const statement = bindQuery(query, { ...values, test_user: tenant ?? '' })
      statements.push({ ...statement, gated: query.gated })
      return tamper(await run(statement))
    },
    transaction: (callback, settings = {}) =>
      database.driver.transaction(settings, (connection) =>
        callback(executor((statement) => connection.query(statement), database, tenant, options, statements)),
      ),
  }
}
