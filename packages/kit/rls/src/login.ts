import { ConfigurationError, type Database, type Driver } from '@tenantry/core'
import { ROLES } from './names.ts'

/**
 * How a login's sessions are kept below row security. `own`: the login is itself subject to it. `startup`:
 * every session starts as the tenant role. `transaction`: a privileged session, which takes the tenant role
 * in each transaction and runs nothing scoped outside one.
 */
export type LoginMode = 'own' | 'startup' | 'transaction'

export interface Login {
  readonly mode: LoginMode
  /** Where scoped statements run. */
  readonly driver: Driver
  /** The login's name, for messages. */
  readonly name: string
  /** May act as the service role. */
  readonly service: boolean
}

const PROBE = `
select
  current_user::text,
  login.rolsuper or login.rolbypassrls as bypasses,
  exists (select from pg_catalog.pg_roles where rolname = '${ROLES.service}') as migrated,
  coalesce((select pg_catalog.pg_has_role(oid, 'usage') from pg_catalog.pg_roles where rolname = '${ROLES.tenant}'), false) as tenant,
  coalesce((select pg_catalog.pg_has_role(oid, 'set') from pg_catalog.pg_roles where rolname = '${ROLES.tenant}'), false) as may_be_tenant,
  coalesce((select pg_catalog.bool_or(pg_catalog.pg_has_role(oid, 'usage')) from pg_catalog.pg_roles where rolname in ('${ROLES.service}', '${ROLES.definer}')), false) as trusted,
  coalesce((select pg_catalog.pg_has_role(oid, 'set') from pg_catalog.pg_roles where rolname = '${ROLES.service}'), false) as may_be_service,
  exists (
    select from pg_catalog.pg_class
    where relkind in ('r', 'p') and relowner = login.oid
      and relnamespace not in ('pg_catalog'::pg_catalog.regnamespace, 'information_schema'::pg_catalog.regnamespace)
  ) as owns_tables
from pg_catalog.pg_roles as login
where login.rolname = current_user`

/** Known logins; asked once for each database, since rights change by an operator's hand only. */
const known = new WeakMap<Database, Promise<Login>>()
/** The same once they are known, for callers that would lose a turn of the event loop with each statement. */
const settled = new WeakMap<Database, Login>()

/** The login, if it has been found out. */
export function knownLogin(database: Database): Login | undefined {
  return settled.get(database)
}

/**
 * Finds out which rights the login has, and so how scoped statements must run.
 *
 * @throws ConfigurationError if the database isn't migrated, or the login is no member of the tenant role.
 */
export function loginOf(database: Database): Promise<Login> {
  let login = known.get(database)
  if (login === undefined) {
    login = probe(database)
    known.set(database, login)
    login.then(
      (found) => settled.set(database, found),
      // A database that gets migrated later must be asked again.
      () => known.delete(database),
    )
  }
  return login
}

/** What an operator wants to know about the login of a connection. */
export interface LoginDescription {
  readonly name: string
  /** Null: scoped statements can't run; the database isn't migrated, or the login may not act as a tenant. */
  readonly mode: LoginMode | null
  /** A superuser, or BYPASSRLS: no policy binds its own sessions. */
  readonly bypassesRowSecurity: boolean
  readonly ownsTables: boolean
  /** May act as the service role. */
  readonly service: boolean
}

/** Describes the login as it is now; see `loginOf` for what follows from it. */
export async function describeLogin(database: Database): Promise<LoginDescription> {
  const { name, bypasses, service, ownsTables } = await rightsOf(database)
  const mode = await probe(database).then(
    (login) => login.mode,
    (error: unknown) => (error instanceof ConfigurationError ? null : Promise.reject(error as Error)),
  )
  return { name, mode, bypassesRowSecurity: bypasses, ownsTables, service }
}

interface Rights {
  readonly name: string
  readonly bypasses: boolean
  readonly migrated: boolean
  readonly tenant: boolean
  readonly mayBeTenant: boolean
  readonly trusted: boolean
  readonly service: boolean
  readonly ownsTables: boolean
}

async function rightsOf(database: Database): Promise<Rights> {
  const { rows } = await database.driver.query({ text: PROBE, params: [] })
  const row = rows[0] ?? []
  const right = (column: number): boolean => row[column] === true
  return {
    name: String(row[0]),
    bypasses: right(1),
    migrated: right(2),
    tenant: right(3),
    mayBeTenant: right(4),
    trusted: right(5),
    service: right(6),
    ownsTables: right(7),
  }
}

async function probe(database: Database): Promise<Login> {
  const { name, service, ...rights } = await rightsOf(database)
  if (!rights.migrated) {
    throw new ConfigurationError('This database has not been migrated', {
      hint: 'Call migrate() first, as the owner',
    })
  }
  const base = { name, service }
  const subject = !rights.bypasses && rights.tenant && !rights.trusted && !rights.ownsTables
  if (subject) return { ...base, mode: 'own', driver: database.driver }
  if (!rights.mayBeTenant) {
    throw new ConfigurationError(`The login ${name} may not act as a tenant`, {
      hint: `Grant it, as the owner: grant ${ROLES.tenant} to "${name}" with inherit true, set true`,
    })
  }
  const restricted = database.driverAs(ROLES.tenant)
  if (restricted === null) return { ...base, mode: 'transaction', driver: database.driver }
  await assertRole(restricted, ROLES.tenant)
  return { ...base, mode: 'startup', driver: restricted }
}

/** Sessions of the service role, asked once for each database what they are. */
const serviceSessions = new WeakMap<Database, Promise<Driver | null>>()

/**
 * Sessions that start as the service role, so that a single statement needs no transaction in which to become it.
 * Null where sessions can't be opened that way.
 */
export function serviceSessionsOf(database: Database): Promise<Driver | null> {
  let sessions = serviceSessions.get(database)
  if (sessions === undefined) {
    sessions = openServiceSessions(database)
    serviceSessions.set(database, sessions)
    sessions.catch(() => serviceSessions.delete(database))
  }
  return sessions
}

async function openServiceSessions(database: Database): Promise<Driver | null> {
  const driver = database.driverAs(ROLES.service)
  if (driver !== null) await assertRole(driver, ROLES.service)
  return driver
}

/** A proxy may drop start-up parameters; then the sessions would have the login's rights. */
async function assertRole(driver: Driver, role: string): Promise<void> {
  const { rows } = await driver.query({ text: 'select current_user::text', params: [] })
  if (rows[0]?.[0] === role) return
  throw new ConfigurationError(`The server did not start the session as ${role}`, {
    hint: "A pooler in between ignores start-up parameters: pass { situation: 'pooler' }, or use a login of its own that is subject to row security",
  })
}
