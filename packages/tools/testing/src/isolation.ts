/** Whether tenants are isolated in a live database: everything in its catalog is tried by raw SQL. */
import type { Connection, Database, DdlObject, Principal } from '@tenantry/core'
import { LIBRARY_SCHEMA, type Tenancy } from '@tenantry/rls'
import { type Callable, callablesIn, type Relation, relationsIn } from './isolation-catalog.ts'
import {
  type Context,
  contextsOf,
  enter,
  type KnownTenant,
  knownTenant,
  sharedTenant,
} from './isolation-contexts.ts'
import {
  anyRows,
  answerTo,
  echoes,
  foreignRows,
  type Question,
  questionsOf,
  tells,
} from './isolation-reads.ts'
import {
  fingerprint,
  readTruth,
  type TenantTable,
  tenantTables,
  type Truth,
  unseeded,
} from './isolation-truth.ts'
import { allowed, attemptsOn, forbidden, reached } from './isolation-writes.ts'
import { outcome, undone } from './undone.ts'

/** A system on a database, such as `contentpilot(database)`. */
export interface IsolationTarget {
  readonly database: Database
  readonly definition: { readonly tenancy: Tenancy; readonly objects: readonly DdlObject[] }
}

export interface IsolationOptions {
  /**
   * Makes a new tenant with at least one row in every tenant table, and answers who acts for it. Called for
   * tenant 1, then for tenant 2, on a database that may hold others. In an organization system the two are
   * different people in different organizations. Where a table shares rows with all tenants, there must be one.
   */
  readonly seed: (tenant: 1 | 2) => Promise<Principal>
  /**
   * Makes one of the system's `readers`, such as an administrator: a tenant besides the two. They must see the
   * rows of both wherever the tenancy lets readers, and nowhere else, and write none of them.
   */
  readonly reader?: () => Promise<Principal>
}

/** Two tenants in a database; see `seedTenants`. */
export interface SeededTenants {
  readonly tenancy: Tenancy
  readonly tenants: readonly [KnownTenant, KnownTenant]
  /** Null where none was made. */
  readonly reader: KnownTenant | null
  /** What the first tenant was told by views and functions before the second one existed. */
  readonly before: readonly { readonly question: Question; readonly answer: string | null }[]
}

/**
 * Tries every table (partitions too), view, materialized view and function in the Postgres schemas of a
 * system, by every command, through the tenant role: without a context, with malformed ones, as another
 * tenant. It walks the catalog and not the declaration, and it fails when a tenant table has no row of both
 * tenants, so that no new table is forgotten. All that it does after seeding is rolled back.
 *
 * @throws Error that lists every leak, one a line.
 */
export async function expectIsolated(target: IsolationTarget, options: IsolationOptions): Promise<void> {
  const seeded = await seedTenants(target, options)
  const leaks = await target.database.driver.transaction({}, (connection) => findLeaks(connection, seeded))
  if (leaks.length > 0) {
    throw new Error(
      `Tenants are not isolated (${leaks.length}):\n${leaks.map((leak) => `- ${leak}`).join('\n')}`,
    )
  }
}

/**
 * Has both tenants made.
 *
 * @throws Error that names every tenant table in which one of them has no row.
 */
export async function seedTenants(
  target: IsolationTarget,
  { seed, reader }: IsolationOptions,
): Promise<SeededTenants> {
  const { tenancy } = target.definition
  const inTransaction = <T>(run: (connection: Connection) => Promise<T>): Promise<T> =>
    target.database.driver.transaction({}, run)
  const first = knownTenant(await seed(1))
  const before = await inTransaction(async (connection) => {
    const { relations, callables, tables } = await walk(connection, tenancy)
    const truth = await readTruth(connection, tables, [first])
    return steadyAnswers(
      connection,
      ownContext(tenancy, first, first),
      questionsOf(relations, callables, truth),
    )
  })
  const second = knownTenant(await seed(2))
  const missing = await inTransaction(async (connection) =>
    unseeded(connection, (await walk(connection, tenancy)).tables, [first, second]),
  )
  if (missing.length > 0)
    throw new Error(`The seed left tables out:\n${missing.map((line) => `- ${line}`).join('\n')}`)
  return {
    tenancy,
    tenants: [first, second],
    reader: reader === undefined ? null : knownTenant(await reader()),
    before,
  }
}

/**
 * What the first tenant, and contexts of nobody, get to of what isn't theirs: a line for each leak. With
 * `only`, of these tables by `schema.name`; a line begins with the table's.
 */
export async function findLeaks(
  connection: Connection,
  { tenancy, tenants, reader, before }: SeededTenants,
  { only }: { readonly only?: readonly string[] } = {},
): Promise<readonly string[]> {
  const [first, second] = tenants
  const { relations, callables, tables } = await walk(connection, tenancy)
  const truth = await readTruth(connection, tables, tenants)
  const contexts = contextsOf(tenancy, first, second)
  const leaks: string[] = []
  for (const relation of relations) {
    if (only !== undefined && !only.includes(relation.label)) continue
    const table = tables.find((candidate) => candidate.relation === relation)
    const classified = tenancy.tables.find(({ schema, name }) => `${schema}.${name}` === relation.label)
    for (const context of contexts) {
      const found = table
        ? await tenantTableLeaks(connection, context, table, second, truth)
        : await otherLeaks(connection, context, relation, readableBy(classified))
      leaks.push(...found.map((what) => `${relation.label} as ${context.name}: ${what}`))
    }
    if (table === undefined || reader === null) continue
    const context = { ...ownContext(tenancy, reader, second), name: 'a reader' }
    const found = await readerLeaks(connection, context, table, second, truth)
    leaks.push(...found.map((what) => `${relation.label} as ${context.name}: ${what}`))
  }
  if (only !== undefined) return leaks
  for (const question of questionsOf(relations, callables, truth)) {
    for (const context of contexts) {
      const answer = await answerTo(connection, context, question)
      if (
        answer !== null &&
        tells(answer, context, tenants, truth) &&
        !(await echoes(connection, context, question, answer))
      ) {
        leaks.push(
          `${question.label} as ${context.name}: it answers with values of a tenant that isn't its own`,
        )
      }
    }
  }
  const own = ownContext(tenancy, first, second)
  for (const { question, answer } of before) {
    if ((await answerTo(connection, own, question)) === answer) continue
    leaks.push(`${question.label} as ${own.name}: its answer changed when the other tenant was added`)
  }
  leaks.push(...(await changedByFunctions(connection, own, { callables, tables, truth, victim: second })))
  return [...new Set(leaks)]
}

interface Walk {
  readonly relations: readonly Relation[]
  readonly callables: readonly Callable[]
  readonly tables: readonly TenantTable[]
}

async function walk(connection: Connection, tenancy: Tenancy): Promise<Walk> {
  const schemas = [...new Set([LIBRARY_SCHEMA, ...tenancy.tables.map(({ schema }) => schema)])]
  const relations = await relationsIn(connection, schemas)
  return {
    relations,
    callables: await callablesIn(connection, schemas),
    tables: tenantTables(relations, tenancy.tables),
  }
}

function ownContext(tenancy: Tenancy, first: KnownTenant, second: KnownTenant): Context {
  const own = contextsOf(tenancy, first, second).find(({ name }) => name === 'another tenant')
  if (own === undefined) throw new Error('There is no context of another tenant')
  return own
}

async function tenantTableLeaks(
  connection: Connection,
  context: Context,
  table: TenantTable,
  victim: KnownTenant,
  truth: Truth,
): Promise<readonly string[]> {
  const { relation, classified } = table
  const leaks: string[] = []
  const seen = await foreignRows(connection, context, relation, classified)
  if (seen > 0) leaks.push(`select shows ${seen} rows that aren't its own`)
  leaks.push(...(await writeLeaks(connection, context, table, victim, truth)))
  if (classified.shared !== null) {
    const ofShared = { ...truth, rows: truth.shared }
    const found = await writeLeaks(connection, context, table, sharedTenant(classified.shared), ofShared)
    leaks.push(...found.map((what) => `of shared rows, ${what}`))
  }
  for (const attempt of forbidden(relation, true)) {
    if (await allowed(connection, context, attempt)) leaks.push(`${attempt.name} is allowed`)
  }
  return leaks
}

/** A reader reads what others may not, and writes no more than they do. */
async function readerLeaks(
  connection: Connection,
  context: Context,
  table: TenantTable,
  victim: KnownTenant,
  truth: Truth,
): Promise<readonly string[]> {
  const { relation, classified } = table
  const seen = await foreignRows(connection, context, relation, classified)
  const leaks: string[] = []
  if (seen > 0 && !classified.readers) leaks.push(`select shows ${seen} rows that aren't for readers`)
  if (seen === 0 && classified.readers) leaks.push('select shows none of the rows that are for readers')
  return [...leaks, ...(await writeLeaks(connection, context, table, victim, truth))]
}

async function writeLeaks(
  connection: Connection,
  context: Context,
  table: TenantTable,
  victim: KnownTenant,
  truth: Truth,
): Promise<readonly string[]> {
  const leaks: string[] = []
  const before = await undone(connection, (part) => fingerprint(part, table, victim))
  for (const attempt of attemptsOn(table, victim, truth)) {
    const found = await reached(connection, context, table, victim, attempt, before)
    if (found !== null) leaks.push(`${attempt.name}: ${found}`)
  }
  return leaks
}

/** Who reads a relation that has no tenants: `readers` may ask, and others are shown nothing. */
function readableBy(classified: Tenancy['tables'][number] | undefined): 'all' | 'readers' | 'nobody' {
  if (classified?.class === 'global') return 'all'
  return classified?.readers === true ? 'readers' : 'nobody'
}

/** Partitions and tables that aren't a tenant's are out of reach, but that global ones can be read. */
async function otherLeaks(
  connection: Connection,
  context: Context,
  relation: Relation,
  readable: 'all' | 'readers' | 'nobody',
): Promise<readonly string[]> {
  if (relation.kind === 'view') return []
  const leaks: string[] = []
  const seen = readable === 'all' ? null : await anyRows(connection, context, relation)
  if (seen !== null && (seen > 0 || readable === 'nobody')) {
    const what = relation.part ? 'part of a table' : relation.kind
    leaks.push(
      readable === 'nobody' ? `select is allowed on this ${what}` : `select shows ${seen} rows to no reader`,
    )
  }
  for (const attempt of forbidden(relation, false)) {
    if (await allowed(connection, context, attempt)) leaks.push(`${attempt.name} is allowed`)
  }
  return leaks
}

/** Answers that are the same when asked twice; one that holds the time of day can't be compared later. */
async function steadyAnswers(connection: Connection, context: Context, questions: readonly Question[]) {
  const steady: { readonly question: Question; readonly answer: string | null }[] = []
  for (const question of questions) {
    const answer = await answerTo(connection, context, question)
    if ((await answerTo(connection, context, question)) === answer) steady.push({ question, answer })
  }
  return steady
}

async function changedByFunctions(
  connection: Connection,
  context: Context,
  known: Pick<Walk, 'callables' | 'tables'> & { readonly truth: Truth; readonly victim: KnownTenant },
): Promise<readonly string[]> {
  const { callables, tables, truth, victim } = known
  const leaks: string[] = []
  for (const callable of callables.filter((each) => each.volatile)) {
    const prints = (part: Connection) => undone(part, (inner) => allPrints(inner, tables, victim))
    const before = await prints(connection)
    const after = await undone(connection, async (part) => {
      for (const question of questionsOf([], [callable], truth)) {
        await outcome(
          part.savepoint(async (inner) => {
            await inner.query(enter(context))
            return inner.query(question)
          }),
        )
      }
      return prints(part)
    })
    if (before !== after)
      leaks.push(`${callable.label} as ${context.name}: it changed rows of the other tenant`)
  }
  return leaks
}

async function allPrints(
  connection: Connection,
  tables: readonly TenantTable[],
  victim: KnownTenant,
): Promise<string> {
  const prints: string[] = []
  for (const table of tables) prints.push(await fingerprint(connection, table, victim))
  return prints.join()
}
