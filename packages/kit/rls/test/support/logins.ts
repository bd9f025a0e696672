/** Logins of a test's own, on a real server. Roles belong to the whole cluster, so they go when the test does. */
import { randomBytes } from 'node:crypto'
import { connect, type ConnectOptions, type Database } from '@tenantry/core'
import type { TestDatabase } from '@tenantry/testing'

export interface Logins extends AsyncDisposable {
  /** Makes a login with these attributes and grants, and connects as it; all are closed together. */
  connect(options: LoginOptions): Promise<Database>
}

export interface LoginOptions extends Omit<ConnectOptions, 'url' | 'client'> {
  /** After `create role … login`, such as `bypassrls in role tenantry_tenant`. */
  readonly role: string
  /** Statements for the new login, run as a superuser; `%` stands for its name. */
  readonly also?: string
  /** Settings that its sessions start with. */
  readonly settings?: Readonly<Record<string, string>>
  /** Go through PgBouncer. */
  readonly through?: 'pooler'
}

export function logins(test: TestDatabase): Logins {
  const opened: Database[] = []
  const made: string[] = []
  const admin = (text: string) => test.database.driver.session((session) => session.script(text))
  return {
    async connect({ role, also, settings = {}, through, ...options }) {
      const name = `rls_test_${randomBytes(5).toString('hex')}`
      await admin(`create role ${name} login ${role}; ${(also ?? '').replaceAll('%', name)}`)
      made.push(name)
      const url = new URL(through === 'pooler' ? (test.poolerUrl ?? '') : test.url)
      url.username = name
      for (const [setting, value] of Object.entries(settings)) url.searchParams.set(setting, value)
      const database = await connect({ ...options, url: url.href })
      opened.push(database)
      return database
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(opened.map((database) => database.close()))
      for (const name of made) await admin(`drop owned by ${name} cascade; drop role ${name}`)
    },
  }
}
