/** Transactions as the role that retention works as, whose texts read the same whatever the session's settings. */
import {
  type Connection,
  ConfigurationError,
  type Driver,
  IsolationError,
  type Statement,
  type TransactionOptions,
} from '@tenantry/core'
import { RETENTION_ROLE } from '../names.ts'

/** What is needed of a driver. */
export type Transactor = Pick<Driver, 'transaction' | 'session'>

export interface Session {
  read<T>(run: (connection: Connection) => Promise<T>): Promise<T>
  write<T>(run: (connection: Connection) => Promise<T>): Promise<T>
  /** With the login's own rights; read only. */
  asLogin<T>(run: (connection: Connection) => Promise<T>): Promise<T>
}

/**
 * Values are written as text and compared as text: these settings decide how. READ COMMITTED, because a
 * transaction must see the holds that were placed before its DELETE began.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  TimeZone: 'UTC',
  DateStyle: 'ISO, YMD',
  IntervalStyle: 'postgres',
  bytea_output: 'hex',
  extra_float_digits: '1',
  // By the values at hand: without them the planner doesn't know how few rows a batch is of, nor hashes its lines.
  plan_cache_mode: 'force_custom_plan',
  // A process that is frozen inside a transaction would hold its locks for ever.
  idle_in_transaction_session_timeout: '30s',
}

export function prepared(role: string): Statement {
  const all = { role, ...SETTINGS }
  return {
    text: `select ${Object.keys(all)
      .map((name, index) => `pg_catalog.set_config('${name}', $${index + 1}, true)`)
      .join(', ')}`,
    params: Object.values(all),
    reusable: true,
  }
}

const MAY = `
select
  exists (select from pg_catalog.pg_roles where rolname = $1),
  coalesce((select pg_catalog.pg_has_role(oid, 'set') from pg_catalog.pg_roles where rolname = $1), false),
  current_user::text`

/**
 * @throws ConfigurationError where the role isn't there: the database isn't migrated.
 * @throws IsolationError where the login may not become it.
 */
export async function openSession(driver: Transactor): Promise<Session> {
  await mayBecome(driver, RETENTION_ROLE)
  const opening = prepared(RETENTION_ROLE)
  const options = (readOnly: boolean): TransactionOptions => ({
    isolation: 'read committed',
    readOnly,
    preamble: [opening],
  })
  return {
    read: (run) => driver.transaction(options(true), run),
    write: (run) => driver.transaction(options(false), run),
    asLogin: (run) => driver.transaction({ readOnly: true }, run),
  }
}

export async function mayBecome(driver: Transactor, role: string): Promise<void> {
  const [exists, may, login] = await driver.transaction({ readOnly: true }, async (connection) => {
    const { rows } = await connection.query({ text: MAY, params: [role] })
    return rows[0] ?? []
  })
  if (exists !== true) {
    throw new ConfigurationError(`This database has no role ${role}`, {
      hint: 'Migrate it with the module of retention() among those of the system',
    })
  }
  if (may !== true) {
    throw new IsolationError(`The login ${String(login)} may not act as ${role}`, {
      hint: `Grant it, as the owner: grant ${role} to "${String(login)}" with inherit false, set true`,
    })
  }
}

/** One session as a source of transactions, one after the other: for jobs, which are handed a session. */
export function transactorOf(connection: Connection): Transactor {
  let tail: Promise<unknown> = Promise.resolve()
  return {
    transaction(options, run) {
      const turn = tail.then(async () => {
        await connection.script(
          `begin isolation level read committed${options.readOnly === true ? ' read only' : ''}`,
        )
        try {
          for (const statement of options.preamble ?? []) await connection.query(statement)
          const value = await run(connection)
          await connection.script('commit')
          return value
        } catch (error) {
          await connection.script('rollback')
          throw error
        }
      })
      tail = turn.catch(() => {})
      return turn
    },
    session(run) {
      const turn = tail.then(() => run(connection))
      tail = turn.catch(() => {})
      return turn
    },
  }
}
