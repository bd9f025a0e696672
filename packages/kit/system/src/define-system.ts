import {
  type Check,
  ConfigurationError,
  type Connection,
  type Database,
  type DdlObject,
  type Executor,
  type Finding,
  type Job,
  lazyModule,
  type Module,
  type ModuleTable,
  type Principal,
} from '@tenantry/core'
import { migrate, type MigrateResult, migrationStatus, type MigrationStatus } from '@tenantry/ddl'
import {
  isolationCheck,
  refuseTakenContext,
  serviceExecutor,
  type Tenancy,
  tenancyObjects,
  tenantExecutor,
  withModuleTables,
} from '@tenantry/rls'
import { type Casing, getTableUniqueName } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import {
  checkNames,
  type Definitions,
  type Scope,
  serviceScope,
  type ServiceScope,
  tenantScope,
} from './scope.ts'

export interface SystemOptions<S extends Record<string, unknown>, R extends Definitions> {
  /** Lower-case letters, digits and dashes: names its migrations in the database's history. */
  readonly name: string
  /** The exports of the module that declares the Drizzle tables. */
  readonly schema: S
  readonly tenancy: Tenancy
  /** What its mechanisms contribute, in order. */
  readonly modules?: readonly Module[]
  readonly repositories: R
  /** The folder of its generated migrations. A host that runs them with another tool leaves it out. */
  readonly migrations?: URL | string
  /** For tables whose columns have no explicit names: the casing that Drizzle is given at run time. */
  readonly casing?: Casing
}

/** What a system declares; the command line and tests work on this. */
export interface SystemDefinition<
  S extends Record<string, unknown> = Record<string, unknown>,
  R extends Definitions = Definitions,
> {
  readonly name: string
  /** With the tables that its mechanisms bring. */
  readonly schema: S
  /** Of all of them. */
  readonly tenancy: Tenancy
  /** The tables that mechanisms bring: those are migrated by us where another tool owns the host's own. */
  readonly moduleTables: Readonly<Record<string, PgTable>>
  readonly repositories: R
  readonly migrations: URL | string | null
  readonly casing: Casing | undefined
  /** Everything that the database has beside Drizzle's tables. */
  readonly objects: readonly DdlObject[]
  readonly jobs: readonly Job[]
  readonly checks: readonly Check[]
}

/** A system on a database. */
export interface System<S extends Record<string, unknown>, R extends Definitions> {
  readonly definition: SystemDefinition<S, R>
  readonly database: Database
  /** Applies what is missing; any number of processes may call it at once. See `migrate` of @tenantry/ddl. */
  migrate(): Promise<MigrateResult>
  /** Compares files and history; changes nothing. */
  status(): Promise<MigrationStatus>
  /** Compares the live database with what is declared; changes nothing. Empty: nothing is open. */
  verify(): Promise<readonly Finding[]>
  /**
   * What one principal sees. Nothing runs until a method is called, so this is cheap: call it per request.
   * Throws ValidationError for a missing or malformed id.
   */
  as(principal: Principal): Scope<R, S>
  /** What jobs and webhooks see; each call is its own transaction. Bind a tenant to use its tables. */
  asService(): ServiceScope<R, S>
  /** The service role's executor, for a mechanism that runs statements of its own, such as a worker's claims. */
  serviceExecutor(): Executor
  /** Runs a job's or webhook's work in one transaction of the service role. */
  system<T>(run: (scope: ServiceScope<R, S>) => Promise<T>): Promise<T>
  /** Runs one of the system's jobs now. Throws ConfigurationError for an unknown name. */
  runJob(name: string, options?: { readonly signal?: AbortSignal }): Promise<string>
}

export interface SystemFactory<S extends Record<string, unknown>, R extends Definitions> {
  (database: Database): System<S, R>
  readonly definition: SystemDefinition<S, R>
}

/**
 * Composes schema, tenancy, mechanisms and repositories. The result is called with a database; it holds no
 * connection itself.
 *
 * @throws ConfigurationError if the parts don't fit: a repository of a table that isn't classified or with
 *   another tenant column than the tenancy's, a name that is taken. Two objects of the same id are refused when the
 *   objects are first asked for: nothing of them is made before a migration or a check needs it.
 */
export function defineSystem<const S extends Record<string, unknown>, const R extends Definitions>(
  options: SystemOptions<S, R>,
): SystemFactory<S, R> {
  const { name, modules = [], repositories, migrations = null, casing } = options
  if (!/^[a-z][a-z0-9-]*$/.test(name)) {
    throw new ConfigurationError(`"${name}" is no name for a system`, {
      hint: 'Use lower-case letters, digits and dashes',
    })
  }
  checkNames(repositories)
  const added = tablesOf(modules)
  const tenancy = withModuleTables(options.tenancy, added)
  const moduleTables = Object.fromEntries(added.map(({ table }) => [getTableUniqueName(table), table]))
  const schema = { ...options.schema, ...moduleTables }
  checkRepositories(tenancy, repositories)
  const whole = lazyModule({
    name,
    objects() {
      const objects = [...tenancyObjects(tenancy), ...modules.flatMap((module) => module.objects)]
      checkIds(objects)
      return objects
    },
    jobs: () => modules.flatMap((module) => module.jobs ?? []),
    checks: () => [
      isolationCheck(tenancy, whole.objects),
      ...modules.flatMap((module) => module.checks ?? []),
    ],
  })
  const definition: SystemDefinition<S, R> = {
    name,
    schema,
    tenancy,
    moduleTables,
    repositories,
    migrations,
    casing,
    get objects() {
      return whole.objects
    },
    get jobs() {
      return whole.jobs ?? []
    },
    get checks() {
      return whole.checks ?? []
    },
  }
  return Object.assign((database: Database) => bindSystem(definition, database), { definition })
}

function bindSystem<S extends Record<string, unknown>, R extends Definitions>(
  definition: SystemDefinition<S, R>,
  database: Database,
): System<S, R> {
  const { driver } = database
  const parts = {
    definitions: definition.repositories,
    schema: definition.schema,
    tenancy: definition.tenancy,
    casing: definition.casing,
  }
  const source = () => {
    if (definition.migrations === null) {
      throw new ConfigurationError(`${definition.name} has no migrations of its own`, {
        hint: 'Its SQL is applied by the tool that owns the folder, such as drizzle-kit',
      })
    }
    return { system: definition.name, migrations: definition.migrations }
  }
  return {
    definition,
    database,
    async migrate() {
      const own = source()
      const { applied } = await migrationStatus(driver, own)
      if (applied.length === 0) await refuseTakenContext(driver, definition.objects)
      return migrate(driver, own)
    },
    status: async () => migrationStatus(driver, source()),
    verify: () =>
      driver.transaction({ readOnly: false }, (connection) => runChecks(definition.checks, connection)),
    as: (principal) => tenantScope(parts, tenantExecutor(database, definition.tenancy, principal)),
    serviceExecutor: () => serviceExecutor(database),
    asService: () => serviceScope(parts, serviceExecutor(database)),
    system: (run) => serviceScope(parts, serviceExecutor(database)).transaction(run),
    async runJob(name, options) {
      const job = definition.jobs.find((candidate) => candidate.name === name)
      if (job === undefined) {
        throw new ConfigurationError(`${definition.name} has no job ${name}`, {
          hint: `It has: ${definition.jobs.map((known) => known.name).join(', ') || 'none'}`,
        })
      }
      return (await driver.session((connection) => job.run(connection, options))).message
    },
  }
}

async function runChecks(checks: readonly Check[], connection: Connection): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  for (const check of checks) findings.push(...(await check.run(connection)))
  return findings
}

function checkRepositories(tenancy: Tenancy, repositories: Definitions): void {
  for (const [name, { table, tenant, of = 'tenant' }] of Object.entries(repositories)) {
    const classified = tenancy.tables.find((candidate) => candidate.table === table)
    if (classified === undefined) {
      throw new ConfigurationError(`The repository ${name} is of a table that the tenancy doesn't classify`)
    }
    const declared = classified.tenantColumn?.property ?? null
    if (declared !== tenant) {
      throw new ConfigurationError(
        `The repository ${name} says that the tenant is ${tenant ?? 'nobody'}, the tenancy says ${declared ?? 'nobody'}`,
      )
    }
    if (classified.of !== of) {
      throw new ConfigurationError(
        `The repository ${name} names the ${of}, the tenancy says that its rows are the ${classified.of}'s`,
        {
          hint: `Declare it with of: '${classified.of}'`,
        },
      )
    }
  }
}

/** Two modules may bring one table, such as two kinds of limits their counters. */
function tablesOf(modules: readonly Module[]): readonly ModuleTable[] {
  const tables = new Map(modules.flatMap((module) => module.tables ?? []).map((each) => [each.table, each]))
  return [...tables.values()]
}

function checkIds(objects: readonly DdlObject[]): void {
  const seen = new Map<string, DdlObject>()
  for (const object of objects) {
    const known = seen.get(object.id)
    if (known !== undefined && JSON.stringify(known) !== JSON.stringify(object)) {
      throw new ConfigurationError(`Two different objects are called "${object.id}"`)
    }
    seen.set(object.id, object)
  }
}
