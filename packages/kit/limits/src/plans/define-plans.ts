import {
  ConfigurationError,
  type DdlObject,
  type Executor,
  IsolationError,
  lazyModule,
  type Module,
  type ModuleTable,
} from '@tenantry/core'
import { dollarQuote, quoteLiteral, schema, statement } from '@tenantry/ddl'
import type { Property, RepositoryDefinition } from '@tenantry/repository'
import { sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { ROLES } from '../caller.ts'
import { periodObjects } from '../periods/objects.ts'
import { type Bind, binder } from './bind.ts'
import { type GuardOptions, type GuardPlan, planGuard } from './guard-plan.ts'
import { type LimitsOperator, operatorOf } from './operator.ts'
import type { Caps, Features, PlansOptions } from './options.ts'
import { planPlans, type PlansPlan } from './plan.ts'
import { consumeObjects } from './sql/consume.ts'
import { entitlementObjects } from './sql/entitlement.ts'
import { eraseObjects } from './sql/erase.ts'
import { followObjects } from './sql/follow.ts'
import { applyObject, guardObjects, keepKeyObject } from './sql/guard.ts'
import { holdObjects } from './sql/holds.ts'
import { recountObject } from './sql/recount.ts'
import { usageObject } from './sql/usage.ts'
import { type PlanTables, planTables } from './tables.ts'
import { planChecks, planJobs } from './upkeep.ts'
import { type LimitVerbs, limitsRepository } from './verbs.ts'

export interface Plans<F extends Features> {
  readonly module: Module
  /** To be read with Drizzle. Nobody writes them but the functions of limits, and `operator` the exceptions. */
  readonly tables: PlanTables
  /** The limits of the executor's tenant. */
  readonly bind: Bind<F>
  /** What an operator asks and says of any account. Needs the service role's executor. */
  readonly operator: LimitsOperator<keyof F & string>
  /** The same as verbs, and `usage`, for a system that offers its limits among its repositories. */
  readonly repository: RepositoryDefinition<PlanTables['limitCounters'], LimitVerbs<keyof F & string>>
  /**
   * Makes the rows of plans in the database those of this declaration, and open counters follow; for a change of
   * caps without a migration. Answers how many rows differed. Needs the service role's executor.
   *
   * @throws ValidationError if subscriptions still name a plan that is gone: nothing is changed.
   */
  sync(executor: Executor): Promise<number>
}

export interface PlansParts<
  F extends Features,
  P extends Readonly<Record<string, Caps<F>>>,
  T extends PgTable,
  Status extends Property<T>,
> extends PlansOptions<F, P, T, Status> {
  /** What rows of the host's tables count for; `guard()` makes them. */
  readonly guards?: readonly Guard<F>[]
}

/** A guard whose table's type is checked and gone. */
export interface Guard<F extends Features> {
  readonly options: GuardOptions<PgTable, F>
}

/** Declares what is counted in a table of the host's. Its properties are checked against the table. */
export function guard<T extends PgTable, F extends Features>(options: GuardOptions<T, F>): Guard<F> {
  return { options: options as unknown as GuardOptions<PgTable, F> }
}

/**
 * Declares plans: what their features are, how much of each a plan has, and where the plan of an account is found.
 * Counted in the database, exactly, whoever writes: by functions that scopes call, and by guards on the host's tables.
 * One declaration for a database.
 *
 * @throws ConfigurationError for what would fail later: a plan without a cap for a feature, a column that isn't there,
 *   a subscription table with several rows for an account, a guard that doesn't fit its feature, an allocated feature without one.
 */
export function definePlans<
  const F extends Features,
  const P extends Readonly<Record<string, Caps<F>>>,
  T extends PgTable,
  Status extends Property<T> = never,
>(options: PlansParts<F, P, T, Status>): Plans<F> {
  const plan = planPlans(options)
  const guards = (options.guards ?? []).map(({ options: each }) => planGuard(plan, each))
  checkGuards(plan, guards)
  const tables = planTables(plan.accountType)
  const declared = () => declaration(plan)
  const bind = binder<F>(plan)
  const operator = operatorOf<keyof F & string>(plan, tables)
  return {
    module: lazyModule({
      name: 'plans',
      tables: moduleTables(plan, tables),
      objects: () => planObjects(plan, guards, declared()),
      jobs: () => planJobs(guards),
      checks: () => planChecks(plan, guards),
    }),
    tables,
    bind,
    operator,
    repository: limitsRepository(plan, tables, operator, (executor) => bind(executor).usage()),
    async sync(executor) {
      if (executor.role !== 'service') throw new IsolationError('Plans are changed by the service role')
      const { rows } = await executor.run(SYNC, { declared: declared() })
      return Number(rows[0]?.[0])
    },
  }
}

const SYNC = {
  text: 'select tenantry.limit_declare($1::jsonb)',
  params: [sql.placeholder('declared')],
  gated: false,
}

/** The declaration as `limit_declare` reads it. */
function declaration({ features, plans, standing, defaultPlan }: PlansPlan): string {
  return JSON.stringify({
    features: Object.fromEntries(
      features.map(({ name, kind, subject, ...feature }, position) => [
        name,
        {
          kind,
          period: 'per' in feature ? feature.per : null,
          zone: ('zone' in feature ? feature.zone : undefined) ?? 'UTC',
          bySubject: subject !== undefined,
          position,
        },
      ]),
    ),
    plans: Object.fromEntries(plans.map(({ name, caps }, rank) => [name, { rank, caps }])),
    // Read by nothing there: it makes a migration that changes it bring open counters up to date.
    standing: standing.map(({ status, mode, until, graceDays }) => [
      status,
      mode,
      until?.name ?? null,
      graceDays,
    ]),
    defaultPlan,
  })
}

function moduleTables({ accountIsTenant }: PlansPlan, tables: PlanTables): readonly ModuleTable[] {
  const { limitCounters, ...internal } = tables
  return [
    ...Object.values(internal).map((table) => ({ table })),
    accountIsTenant ? { table: limitCounters, tenant: 'account' } : { table: limitCounters },
  ]
}

function planObjects(plan: PlansPlan, guards: readonly GuardPlan[], declared: string): readonly DdlObject[] {
  const recounts = guards.flatMap((guard) => {
    const recount = recountObject(guard, plan.accountType)
    return recount === null ? [] : [{ guard, recount }]
  })
  return [
    schema({ name: 'tenantry' }),
    ...periodObjects(),
    ...entitlementObjects(plan),
    ...consumeObjects(plan),
    ...holdObjects(plan),
    usageObject(plan),
    ...eraseObjects(plan),
    applyObject(plan.accountType),
    keepKeyObject(),
    ...followObjects(plan),
    ...guards.flatMap((guard) => guardObjects(guard, plan.accountType)),
    ...recounts.map(({ recount }) => recount),
    // Room in each page for the next version of its counters: an update then touches no index.
    statement({
      kind: 'finale',
      id: 'fill factor of limit_counters',
      create: ['alter table "tenantry"."limit_counters" set (fillfactor = 50)'],
      drop: [],
    }),
    asService('plans of limits', `tenantry.limit_declare(${quoteLiteral(declared)})`),
    // The text changes when what counts does, so that the counters are set anew by then.
    ...recounts.map(({ guard }) =>
      asService(
        `counters of ${guard.target.label}`,
        `tenantry.limit_recount_${guard.target.name}()`,
        JSON.stringify(guard.counts),
      ),
    ),
  ]
}

/** A call in a migration, as the service role: under forced row security not even the owner of the tables may write. */
function asService(id: string, call: string, mark?: string): DdlObject {
  const body = `
declare
  -- A migration runs with it off, so that no policy hides a row from it unnoticed.
  before constant text := pg_catalog.current_setting('row_security');
begin
${mark === undefined ? '' : `  -- ${mark}\n`}  perform pg_catalog.set_config('row_security', 'on', true);
  set local role ${ROLES.service};
  perform ${call};
  reset role;
  perform pg_catalog.set_config('row_security', before, true);
end`
  return statement({ kind: 'finale', id, create: [`do ${dollarQuote(body, 'service')}`], drop: [] })
}

/** A count that is kept by rows is kept by those of one table. */
function checkGuards({ features }: PlansPlan, guards: readonly GuardPlan[]): void {
  const tables = new Set<string>()
  const kept = new Set<string>()
  for (const { target, counts } of guards) {
    if (tables.has(target.name))
      throw new ConfigurationError(`${target.name} has two guards`, {
        hint: 'Give it one, with all that it counts; tables of two schemas need two names',
      })
    tables.add(target.name)
    for (const { feature, kind, once } of counts) {
      if (kind !== 'allocated' && once === null) continue
      if (kept.has(feature)) throw new ConfigurationError(`${feature} is kept by two counts of rows`)
      kept.add(feature)
    }
  }
  const uncounted = features.find(({ kind, name }) => kind === 'allocated' && !kept.has(name))
  if (uncounted !== undefined) {
    throw new ConfigurationError(`${uncounted.name} is a number of rows, and no guard counts them`, {
      hint: `Name its table in \`guards\`: guard({ table, account, counts: [{ feature: '${uncounted.name}' }] })`,
    })
  }
}
