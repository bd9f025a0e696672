import { checkCount } from './count.ts'
import { Database } from './database.ts'
import { nodePostgresDriver, type PgPool } from './drivers/node-postgres.ts'
import { pgliteDriver, type PGliteClient } from './drivers/pglite.ts'
import { announcedBackend, postgresJsDriver, TEXT_TYPES } from './drivers/postgres-js.ts'
import type { InternalClient, PostgresJsClient } from './drivers/postgres-js-connection.ts'
import {
  createListener,
  hostListener,
  type Listener,
  type ListenerHooks,
  type ListeningClient,
} from './drivers/postgres-js-listener.ts'
import { type ClientSource, clientPool, hostClient } from './drivers/postgres-js-pool.ts'
import { ConfigurationError } from './errors.ts'
import { isPoolerPort, POOL_SETTINGS, type Situation } from './situation.ts'

/** A Drizzle database of a supported client: `drizzle(client)`. */
export interface DrizzleDatabase {
  readonly $client: PostgresJsClient | PgPool | PGliteClient
}

/** A client that the host already has, bare or under Drizzle. It stays the host's to close. */
export type HostClient = PostgresJsClient | PgPool | PGliteClient | DrizzleDatabase

export interface ConnectOptions {
  /** `postgres://…`, or for the embedded database `memory://` or `file:<folder>`. Either this or `client`. */
  readonly url?: string | undefined
  readonly client?: HostClient | undefined
  /**
   * Where the process runs, which decides the pool: `server` (default; 20 connections, idle 20 s, connect 10 s),
   * `serverless` (one cached pool per process, 3 connections, idle 5 s), `pooler` (behind a pooler in
   * transaction mode: no prepared statements, no pipelining). With `client` only `pooler` makes a difference.
   */
  readonly situation?: Situation
  /** Connections at most, instead of the situation's number. */
  readonly maxConnections?: number
  /** Seconds that opening a connection may take, instead of the situation's 10. */
  readonly connectTimeoutSeconds?: number
  /**
   * Limit for each statement, in milliseconds; on a pooler and a client of the host's, for each that runs in a
   * scope. Default: the server's setting. The embedded database can't interrupt a statement and has no limit.
   */
  readonly statementTimeoutMs?: number
  /** Receives what looks wrong and isn't an error. Default: `process.emitWarning`. */
  readonly onWarning?: (message: string) => void
}

/**
 * Opens a database and proves that it answers. Accepts a URL, options, or a client or Drizzle database
 * that the host already has (postgres.js, node-postgres, PGlite).
 *
 * @throws ConfigurationError without a URL, or with one of an unknown scheme: nobody lands on an
 *   embedded database by accident.
 * @throws ConnectionError if the server can't be reached or refuses the login.
 */
export async function connect(target: string | undefined | ConnectOptions | HostClient): Promise<Database> {
  const options = toOptions(target)
  for (const name of ['maxConnections', 'connectTimeoutSeconds', 'statementTimeoutMs'] as const)
    checkCount(name, options[name])
  if (options.situation !== undefined && !Object.hasOwn(POOL_SETTINGS, options.situation)) {
    throw new ConfigurationError(`There is no situation "${String(options.situation)}"`, {
      hint: `Use one of ${Object.keys(POOL_SETTINGS).join(', ')}`,
    })
  }
  if (options.client !== undefined) return adopt(options.client, options)
  const { url } = options
  if (url === undefined || url === '') {
    throw new ConfigurationError('No database URL was given', {
      hint: "Set DATABASE_URL to postgres://user:password@host/database, or pass 'memory://' for an embedded database",
    })
  }
  if (/^postgres(ql)?:\/\//.test(url)) {
    checkUrl(url)
    return connectPostgres(url, options)
  }
  if (url === 'memory://' || url.startsWith('file:')) return connectEmbedded(url)
  throw new ConfigurationError(`The database URL has an unknown scheme (${url.split(':', 1)[0]}:)`, {
    hint: 'Supported are postgres://, memory:// and file:<folder>',
  })
}

/** Several hosts may stand in a URL, separated by commas; the first stands for all of them here. */
function firstHost(url: string): URL {
  return new URL(url.replace(/,[^/?]*/, ''))
}

/** Refuses a URL that the client could only trip over. The message doesn't repeat it: it holds a password. */
function checkUrl(url: string): void {
  try {
    const { username, password, pathname } = firstHost(url)
    for (const part of [username, password, pathname]) decodeURIComponent(part)
  } catch {
    throw new ConfigurationError('The database URL can not be read', {
      hint: "Encode what isn't a letter or digit in user and password: % as %25, @ as %40, / as %2F, : as %3A",
    })
  }
}

function toOptions(target: string | undefined | ConnectOptions | HostClient): ConnectOptions {
  if (target === undefined || typeof target === 'string') return { url: target }
  return isHostClient(target) ? { client: target } : target
}

function isHostClient(target: ConnectOptions | HostClient): target is HostClient {
  return '$client' in target || isPostgresJs(target) || isPgPool(target) || isPGlite(target)
}

const has = (value: object, ...names: readonly string[]): boolean =>
  names.every((name) => typeof Reflect.get(value, name) === 'function')
const isPostgresJs = (value: object): value is PostgresJsClient => has(value, 'unsafe', 'begin', 'reserve')
const isPgPool = (value: object): value is PgPool =>
  has(value, 'connect', 'query', 'end') && 'totalCount' in value
const isPGlite = (value: object): value is PGliteClient =>
  has(value, 'query', 'exec', 'transaction') && 'parsers' in value

function adopt(host: HostClient, options: ConnectOptions): Database {
  const client: object = '$client' in host ? host.$client : host
  const pooled = options.situation === 'pooler'
  if (isPostgresJs(client)) {
    return new Database(
      postgresJsDriver(hostClient(client as unknown as InternalClient), {
        pooled,
        startupRole: false,
        text: false,
        ...(pooled ? {} : { listener: hostListener(client as unknown as ListeningClient) }),
      }),
      options,
    )
  }
  if (isPgPool(client)) return new Database(nodePostgresDriver(client, { pooled }), options)
  if (isPGlite(client)) return new Database(pgliteDriver(client, { owned: false }), options)
  throw new ConfigurationError('The client is none that the library knows', {
    hint: 'Pass a postgres.js client, a node-postgres Pool, a PGlite instance, or a Drizzle database over one of them',
  })
}

/** Pools of serverless processes by URL and options; on globalThis because bundlers duplicate modules. */
const POOLS = Symbol.for('tenantry.pools')

async function connectPostgres(url: string, options: ConnectOptions): Promise<Database> {
  const situation = options.situation ?? 'server'
  if (!POOL_SETTINGS[situation].cached) return openPostgres(url, situation, options)
  const holder = globalThis as { [POOLS]?: Map<string, Promise<Database>> }
  const pools = (holder[POOLS] ??= new Map<string, Promise<Database>>())
  const key = JSON.stringify([
    url,
    options.maxConnections,
    options.connectTimeoutSeconds,
    options.statementTimeoutMs,
  ])
  const known = pools.get(key)
  if (known !== undefined) return known
  const opening = openPostgres(url, situation, options)
  pools.set(key, opening)
  const forget = (): void => void pools.delete(key)
  opening.then((database) => database.onClose(forget), forget)
  return opening
}

async function openPostgres(url: string, situation: Situation, options: ConnectOptions): Promise<Database> {
  const { default: postgres } = await import('postgres')
  const settings = POOL_SETTINGS[situation]
  const pooled = !settings.sessionState
  const max = options.maxConnections ?? settings.max
  const client = (
    role: string | undefined,
    hooks: Pick<ListenerHooks, 'onclose'> & Partial<ListenerHooks>,
  ): InternalClient =>
    postgres(url, {
      max: 1,
      ...hooks,
      connect_timeout: options.connectTimeoutSeconds ?? settings.connectTimeoutSeconds,
      prepare: settings.sessionState,
      // Arrays travel as text. Besides, its query for types rejects unhandled when the backend dies under it.
      fetch_types: false,
      types: TEXT_TYPES,
      onnotice: () => {},
      connection: {
        application_name: 'tenantry',
        ...(role === undefined ? {} : { role }),
        ...(options.statementTimeoutMs === undefined || pooled
          ? {}
          : { statement_timeout: options.statementTimeoutMs }),
      },
    }) as unknown as InternalClient
  const pool = (role?: string): ClientSource =>
    clientPool({ max, idleTimeoutSeconds: settings.idleTimeoutSeconds }, (onclose) =>
      client(role, { onclose }),
    )
  const driver = (source: ClientSource, listener?: Listener) =>
    postgresJsDriver(source, {
      pooled,
      startupRole: !pooled,
      text: true,
      ...(listener === undefined ? {} : { listener }),
    })
  const source = pool()
  const listener = pooled ? undefined : createListener((hooks) => client(undefined, hooks))
  const database = new Database(driver(source, listener), options, (role) => driver(pool(role)))
  try {
    await warnOfPooler(source, url, pooled, options)
  } catch (error) {
    await database.close()
    throw error
  }
  return database
}

/** A pooler in transaction mode that nobody declared breaks prepared statements, at random and under load. */
async function warnOfPooler(
  source: ClientSource,
  url: string,
  pooled: boolean,
  options: ConnectOptions,
): Promise<void> {
  const { announced, actual } = await announcedBackend(source)
  if (pooled) return
  const port = Number(firstHost(url).port || 5432)
  const signs = [
    isPoolerPort(port) ? `port ${port} is a pooler's` : undefined,
    announced !== undefined && announced !== actual
      ? 'the server process is not the one that the connection announced'
      : undefined,
  ].filter((sign) => sign !== undefined)
  if (signs.length === 0) return
  const warn =
    options.onWarning ?? ((message: string) => process.emitWarning(message, { code: 'TENANTRY_POOLER' }))
  warn(
    `This connection seems to go through a pooler (${signs.join('; ')}), but the situation is '${options.situation ?? 'server'}'. ` +
      "If it pools by transaction, pass { situation: 'pooler' }; otherwise statements will fail under load.",
  )
}

async function connectEmbedded(url: string): Promise<Database> {
  const [{ PGlite }, { vector }, { btree_gin }] = await Promise.all([
    import('@electric-sql/pglite'),
    import('@electric-sql/pglite-pgvector'),
    import('@electric-sql/pglite/contrib/btree_gin'),
  ]).catch((cause: unknown) => {
    throw new ConfigurationError('The embedded database is not installed', {
      cause,
      hint: 'Install @electric-sql/pglite and @electric-sql/pglite-pgvector, or use a postgres:// URL',
    })
  })
  const dataDir = url === 'memory://' ? 'memory://' : url.replace(/^file:(\/\/)?/, '')
  const client = await PGlite.create(dataDir, { extensions: { vector, btree_gin } })
  return new Database(pgliteDriver(client as unknown as PGliteClient, { owned: true }), {})
}
