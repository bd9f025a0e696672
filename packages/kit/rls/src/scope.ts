import {
  bindQuery,
  ConfigurationError,
  type Connection,
  type Database,
  type Executor,
  IsolationError,
  type Principal,
  type ScopeTransactionOptions,
  type TransactionOptions,
} from '@tenantry/core'
import { ORGANIZATION_GATE, USER_GATE } from './gate.ts'
import { inside, refuseInside } from './inside.ts'
import { knownLogin, type Login, loginOf, serviceSessionsOf } from './login.ts'
import { ROLES } from './names.ts'
import { checkedTenant, contextEcho, contextOf, contextStatement, gateValues } from './principal.ts'
import { refuseUnfit } from './refuse-unfit.ts'
import type { Tenancy } from './tenancy.ts'

/** The executor of one principal. Statements run with that principal's context, or not at all. */
export function tenantExecutor(
  database: Database,
  tenancy: Pick<Tenancy, 'kind'>,
  principal: Principal,
): Executor {
  const context = contextOf(tenancy.kind, principal)
  const values = gateValues(context)

  function transactionOptions(login: Login, options: ScopeTransactionOptions): TransactionOptions {
    const role = login.mode === 'transaction'
    return {
      ...limitOf(database, login),
      ...options,
      preamble: [contextStatement(context, { role })],
      echo: contextEcho(context, login.mode === 'own' ? login.name : ROLES.tenant),
    }
  }

  const executor: Executor = {
    role: 'tenant',
    tenant: context.tenant,
    user: context.user,
    gate: context.organization === null ? USER_GATE : ORGANIZATION_GATE,
    database,
    async run(query, given = {}) {
      refuseInside(database)
      if (!query.gated) refuseUnfit(query.text)
      const login = knownLogin(database) ?? (await loginOf(database))
      const statement = bindQuery(query, given, values)
      const gated = query.gated && login.mode !== 'transaction' && limitOf(database, login) === undefined
      if (gated) return login.driver.query(statement)
      return login.driver.transaction(transactionOptions(login, {}), (connection) =>
        connection.query(statement),
      )
    },
    async transaction(run, options = {}) {
      refuseInside(database)
      const login = await loginOf(database)
      return login.driver.transaction(transactionOptions(login, options), (connection) =>
        inside(database, connection, { role: 'tenant', tenant: context.tenant, user: context.user }, run),
      )
    },
  }
  return executor
}

/**
 * The executor of the service role: jobs, webhooks, maintenance. It sees every tenant; a repository that
 * runs through it needs `tenant`, so that its statements still name one.
 */
export function serviceExecutor(database: Database, tenant: string | null = null): Executor {
  const options: TransactionOptions = {
    preamble: [
      { text: "select pg_catalog.set_config('role', $1, true)", params: [ROLES.service], reusable: true },
    ],
    echo: { text: `select 1 / (current_user = '${ROLES.service}')::integer`, params: [], reusable: true },
  }
  async function serviceLogin(): Promise<Login> {
    refuseInside(database)
    const login = knownLogin(database) ?? (await loginOf(database))
    if (login.service) return login
    throw new IsolationError(`The login ${login.name} may not act as the service role`, {
      hint: `Use a login of its own for jobs, or grant it: grant ${ROLES.service} to "${login.name}" with inherit false, set true`,
    })
  }
  async function begin<T>(
    more: ScopeTransactionOptions,
    run: (connection: Connection) => Promise<T>,
  ): Promise<T> {
    const login = await serviceLogin()
    return login.driver.transaction({ ...limitOf(database, login), ...more, ...options }, run)
  }
  return {
    role: 'service',
    tenant,
    gate: null,
    database,
    async run(query, values = {}) {
      refuseUnfit(query.text)
      const statement = bindQuery(query, values)
      await serviceLogin()
      // A text of the host's own might change its session: it gets a transaction, which is looked at when it ends.
      const sessions = query.once === true ? null : await serviceSessionsOf(database)
      if (sessions !== null) return sessions.query(statement)
      return begin({}, (connection) => connection.query(statement))
    },
    transaction: (run, more = {}) =>
      begin(more, (connection) => inside(database, connection, { role: 'service', tenant }, run)),
  }
}

/**
 * An executor bound to another tenant whose rows its principal reads: its statements name that tenant, with the
 * principal's own context. For readers of the system, and for everyone where the tenant is that of shared rows.
 * Whoever is no reader finds no other rows, and nobody writes.
 *
 * @throws ConfigurationError where the tenancy declares neither readers nor such a tenant, ValidationError for a
 *   malformed id.
 */
export function bindReading(
  executor: Executor,
  tenancy: Pick<Tenancy, 'kind' | 'readers'> & Partial<Pick<Tenancy, 'tables'>>,
  tenant: string,
): Executor {
  const isShared = tenancy.tables?.some(({ shared }) => shared === tenant) === true
  if ((tenancy.readers === null && !isShared) || executor.role !== 'tenant') {
    throw new ConfigurationError('Nobody reads here for another tenant', {
      hint: 'Declare `readers` in the tenancy; the service role binds a tenant with tenant()',
    })
  }
  const bound = checkedTenant(tenancy.kind, tenant)
  const bind = (inner: Executor): Executor => ({
    ...inner,
    tenant: bound,
    transaction: (run, options) => inner.transaction((within) => run(bind(within)), options),
  })
  return bind(executor)
}

/** A service executor bound to one tenant, inside the same transaction where it is in one. */
export function bindTenant(executor: Executor, tenant: string): Executor {
  if (executor.role !== 'service') throw new IsolationError('Only the service role can be bound to a tenant')
  return {
    ...executor,
    tenant,
    transaction: (run, options) => executor.transaction((inner) => run(bindTenant(inner, tenant)), options),
  }
}

/** The database's limit for statements, where its sessions don't begin with it: there it takes a transaction. */
function limitOf(
  database: Database,
  login: Login,
): Pick<TransactionOptions, 'statementTimeoutMs'> | undefined {
  const { statementTimeoutMs } = database.settings
  return statementTimeoutMs === undefined || login.driver.traits.startupRole
    ? undefined
    : { statementTimeoutMs }
}
