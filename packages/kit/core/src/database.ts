import type { Driver } from './driver.ts'
import { ConfigurationError } from './errors.ts'

export interface DatabaseHealth {
  /** Round trip of `select 1`-like statement, in milliseconds. */
  readonly latencyMs: number
  /** Such as `17.11`. */
  readonly serverVersion: string
  /** The role that statements run as. */
  readonly role: string
  /** The server is a replica that takes no writes. */
  readonly readOnly: boolean
}

export interface DatabaseSettings {
  /** Limit for each statement, in milliseconds. A scope sets it where sessions don't begin with it. */
  readonly statementTimeoutMs?: number
}

/** One database and the sessions to it. Made by `connect`. */
export class Database {
  /** Sessions as the login has them. Unscoped: for migrations and checks, never for a tenant's statements. */
  readonly driver: Driver
  readonly settings: DatabaseSettings
  readonly #openAs: ((role: string) => Driver) | undefined
  readonly #byRole = new Map<string, Driver>()
  readonly #closing: (() => void)[] = []
  #closed: Promise<void> | undefined

  constructor(driver: Driver, settings: DatabaseSettings, openAs?: (role: string) => Driver) {
    this.driver = driver
    this.settings = settings
    this.#openAs = openAs
  }

  /**
   * A pool whose every session starts as `role`, so that not even a reconnect begins with the login's own
   * rights. The role must exist and the login be a member. Null where sessions can't be opened that way:
   * the embedded database, a pooler, a client of the host's.
   */
  driverAs(role: string): Driver | null {
    if (this.#openAs === undefined || !this.driver.traits.startupRole) return null
    if (this.#closed !== undefined) throw new ConfigurationError('The database is closed')
    let driver = this.#byRole.get(role)
    if (driver === undefined) {
      driver = this.#openAs(role)
      this.#byRole.set(role, driver)
    }
    return driver
  }

  /** Asks the server how it is. Throws ConnectionError or TimeoutError if it doesn't answer. */
  async health(): Promise<DatabaseHealth> {
    const started = performance.now()
    const { rows } = await this.driver.query({
      text: `select pg_catalog.current_setting('server_version'), current_user::text, pg_catalog.pg_is_in_recovery()`,
      params: [],
    })
    const [version, role, readOnly] = rows[0] ?? []
    return {
      latencyMs: performance.now() - started,
      serverVersion: String(version).split(' ')[0] ?? '',
      role: String(role),
      readOnly: readOnly === true,
    }
  }

  /** Registers what to forget when this database is closed. */
  onClose(forget: () => void): void {
    this.#closing.push(forget)
  }

  /** Waits up to 5 s for running statements and closes what `connect` opened; a client of the host's stays open. */
  close(): Promise<void> {
    this.#closed ??= (async () => {
      for (const forget of this.#closing) forget()
      await Promise.all([this.driver, ...this.#byRole.values()].map((driver) => driver.close()))
    })()
    return this.#closed
  }
}
