import { setTimeout as sleep } from 'node:timers/promises'
import { TimeoutError, type Connection, type Driver } from '@tenantry/core'

// hashtextextended is PostgreSQL's own stable 64-bit hash, so every version of this code asks for one key.
const KEY = "pg_catalog.hashtextextended('tenantry:migrate', 0)"

// Forced row security hides rows from the owner too. A data migration that quietly misses them is worse than
// one that fails, and this setting makes it fail.
const SETTINGS = { statement_timeout: '0', row_security: 'off' }

/** Short enough not to be felt at start-up, long enough not to be noticed by the server. */
const POLL_MS = 100

/** A long migration is worth waiting for; a process that starts is given up by most platforms after this. */
export const LOCK_WAIT_MS = 10 * 60_000

const BUSY = Symbol('busy')

/**
 * Runs the callback in a transaction that holds the migration lock, waiting for it between attempts. To
 * wait inside a statement would keep a snapshot, and CREATE INDEX CONCURRENTLY of the process that holds the
 * lock would wait for that: a deadlock.
 */
export async function withLockedTransaction<T>(
  driver: Driver,
  lockWaitMs: number,
  run: (connection: Connection) => Promise<T>,
): Promise<T> {
  return poll(lockWaitMs, () =>
    driver.transaction({}, async (connection) => {
      if (!(await tryLock(connection, 'pg_try_advisory_xact_lock'))) return BUSY
      await connection.script(setAll('set local'))
      return run(connection)
    }),
  )
}

/** The same with a session outside a transaction. */
export async function withLockedSession<T>(
  driver: Driver,
  lockWaitMs: number,
  run: (connection: Connection) => Promise<T>,
): Promise<T> {
  return poll(lockWaitMs, () =>
    driver.session(async (connection) => {
      if (!(await tryLock(connection, 'pg_try_advisory_lock'))) return BUSY
      await connection.script(setAll('set'))
      try {
        return await run(connection)
      } finally {
        // If the session is gone these fail, and the server has done them by itself.
        await connection.script('reset role').catch(() => {})
        for (const name of Object.keys(SETTINGS)) await connection.script(`reset ${name}`).catch(() => {})
        await connection
          .query({ text: `select pg_catalog.pg_advisory_unlock(${KEY})`, params: [] })
          .catch(() => {})
      }
    }),
  )
}

function setAll(command: string): string {
  return Object.entries(SETTINGS)
    .map(([name, value]) => `${command} ${name} = ${value}`)
    .join('; ')
}

async function poll<T>(lockWaitMs: number, attempt: () => Promise<T | typeof BUSY>): Promise<T> {
  const deadline = performance.now() + lockWaitMs
  for (;;) {
    const result = await attempt()
    if (result !== BUSY) return result
    if (performance.now() >= deadline) {
      throw new TimeoutError(`Another process has been migrating for more than ${lockWaitMs} ms`, {
        hint: 'Look for the session that holds the advisory lock in pg_locks',
      })
    }
    await sleep(POLL_MS)
  }
}

async function tryLock(connection: Connection, tryFunction: string): Promise<boolean> {
  const { rows } = await connection.query({ text: `select pg_catalog.${tryFunction}(${KEY})`, params: [] })
  return rows[0]?.[0] === true
}
