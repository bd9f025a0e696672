/** Rules composed to what a system needs: tables, role, rights, and the verbs that run them. */
import {
  ConfigurationError,
  type Connection,
  type Database,
  type Driver,
  type Finding,
  lazyModule,
  type Module,
} from '@tenantry/core'
import { is } from 'drizzle-orm'
import { PgTable } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import { cutoffText, peekRun, type Policy } from './engine/runs.ts'
import { type RunContext, type RunOptions, type RunReport, runRule } from './engine/run-rule.ts'
import { checkArchive, type CheckArchiveOptions } from './restore/check-archive.ts'
import { openSession, type Session, type Transactor } from './engine/session.ts'
import { declaredGraph } from './graph/declared-graph.ts'
import { readGraph } from './graph/read-graph.ts'
import { ruleJobs } from './jobs/rule-jobs.ts'
import type { TenantTable } from './graph/table-graph.ts'
import { checkNames, moduleTables, retentionObjects } from './objects.ts'
import { type PlanNote, planRule, type RulePlan } from './plan/plan.ts'
import { type RestoreOptions, type RestoreReport, restoreSegments } from './restore/restore.ts'
import type { RetentionRule } from './rule/rule.ts'
import { type RuleStatus, statusOf } from './status.ts'
import type { ArchiveStore } from './store/store.ts'

/** A host's own table of policies, such as one row for each kind of data. */
export interface PolicySource {
  /** Tables that `resolve` reads. */
  readonly reads: readonly PgTable[]
  /**
   * What the host's rows say about a rule, asked as each run and plan begins, with the rights of
   * `tenantry_retention`. A shorter age than the rule's floor counts as the floor.
   */
  resolve(connection: Connection, rule: RetentionRule): Promise<Policy | null>
}

export interface RetentionModuleOptions {
  readonly rules: readonly RetentionRule[]
  /** The exports of the module that declares the tables: holds are followed through their foreign keys. */
  readonly schema?: Readonly<Record<string, unknown>>
  /** Whose each row is, so that a hold on a tenant finds it: a tenancy's `tables`. Without it such a hold refuses runs. */
  readonly tenants?: readonly TenantTable[]
  /** Where archives go, unless a run is given another. */
  readonly store?: ArchiveStore
  readonly policy?: PolicySource
  /** When the job of a rule runs, by the rule's name: five-field cron, UTC. Default: each night at 03:30. */
  readonly schedules?: Readonly<Record<string, string>>
}

/** Where statements run: a database, its driver, or the one session that a job is handed. */
export type RetentionTarget = Database | Driver | Transactor

export interface Retention {
  /** For a system's `modules`. It brings legal holds with it. */
  readonly module: Module
  readonly rules: readonly RetentionRule[]
  /** What a run would do, by rule. Writes nothing. */
  plan(
    target: RetentionTarget,
    options?: { readonly rules?: readonly string[] },
  ): Promise<readonly RulePlan[]>
  /**
   * Runs rules one after the other, in the order of their declaration. Any number of processes may call it: each
   * rule is one worker's at a time, and a run that was killed is gone on with. Limits are for each rule. A rule that
   * fails doesn't keep the others from running; the first failure is thrown when they have.
   *
   * @throws RetentionRefusedError where the plan has a blocker; nothing of that rule was changed.
   * @throws ArchiveError where an object isn't what was archived; its rows are in the table.
   * @throws LeaseLostError where another worker took the rule over; it goes on.
   * @throws IsolationError where the login may not act as `tenantry_retention`.
   */
  run(
    target: RetentionTarget,
    options?: RunOptions & { readonly rules?: readonly string[] },
  ): Promise<readonly RunReport[]>
  /** Backlog, oldest age and last run of each rule. Writes nothing. */
  status(
    target: RetentionTarget,
    options?: { readonly rules?: readonly string[] },
  ): Promise<readonly RuleStatus[]>
  /**
   * Looks whether every object of the manifest is in the store, with the size that it had; with `whole`, reads each and
   * compares it. Answers what is wrong; empty: nothing.
   */
  checkArchive(target: RetentionTarget, options?: CheckArchiveOptions): Promise<readonly Finding[]>
  /** Brings archived rows back; see `RestoreOptions`. Throws ConfigurationError for a rule that nobody knows. */
  restore(target: RetentionTarget, options: RestoreOptions): Promise<RestoreReport>
}

const runSchema = z.object({
  maxRows: z.number().int().positive().nullish(),
  maxMs: z.number().positive().nullish(),
  leaseSeconds: z.number().positive().optional(),
})

/** @throws ConfigurationError for two rules of one name. */
export function retention(options: RetentionModuleOptions): Retention {
  const { rules, schema = {}, tenants = [], store = null, policy, schedules = {} } = options
  checkNames(rules)
  const tables = Object.values(schema).filter((value): value is PgTable => is(value, PgTable))
  const chosen = (names: readonly string[] | undefined): readonly RetentionRule[] => {
    const unknown = names?.find((name) => rules.every((rule) => rule.name !== name))
    if (unknown !== undefined) {
      throw new ConfigurationError(`There is no retention rule ${unknown}`, {
        hint: `There are: ${rules.map(({ name }) => name).join(', ') || 'none'}`,
      })
    }
    return names === undefined ? rules : rules.filter(({ name }) => names.includes(name))
  }
  const policyOf = (rule: RetentionRule) => (session: Session) =>
    policy === undefined
      ? Promise.resolve(null)
      : session.read((connection) => policy.resolve(connection, rule))
  const contextOf = (rule: RetentionRule): RunContext => ({ rule, tenants, store, policy: policyOf(rule) })
  const found: Retention = {
    rules,
    module: lazyModule({
      name: 'retention',
      tables: moduleTables,
      jobs: () =>
        ruleJobs({
          rules,
          schedules,
          // A host's policies are asked by a run, not by a statement.
          graph:
            policy === undefined
              ? declaredGraph([...new Set([...tables, ...rules.map(({ table }) => table)])], { tenants })
              : null,
          run: (target, runOptions) => found.run(target, runOptions),
        }),
      objects: () =>
        retentionObjects(
          policy === undefined
            ? rules
            : rules.map((rule) => ({ ...rule, reads: [...rule.reads, ...policy.reads] })),
          tables,
        ),
    }),
    async plan(target, { rules: names } = {}) {
      const session = await openSession(driverOf(target))
      const plans: RulePlan[] = []
      for (const rule of chosen(names)) {
        const resolved = await policyOf(rule)(session)
        const plan = await session.read(async (connection) =>
          planRule(connection, {
            rule,
            policy: resolved,
            graph: await readGraph(connection, { tenants }),
            open: await peekRun(connection, rule, cutoffText(rule, resolved)),
          }),
        )
        const lacking = rule.action.archives && store === null ? [noStore(rule)] : []
        plans.push({ ...plan, warnings: [...plan.warnings, ...lacking] })
      }
      return plans
    },
    async run(target, { rules: names, ...runOptions } = {}) {
      const checked = runSchema.safeParse(runOptions)
      if (!checked.success) {
        throw new ConfigurationError('Limits of a retention run are numbers above 0, or null for none')
      }
      const driver = driverOf(target)
      const reports: RunReport[] = []
      const failures: unknown[] = []
      for (const rule of chosen(names)) {
        try {
          reports.push(await runRule(driver, contextOf(rule), runOptions))
        } catch (error) {
          failures.push(error)
        }
      }
      if (failures.length > 0) throw failures[0]
      return reports
    },
    async status(target, { rules: names } = {}) {
      const session = await openSession(driverOf(target))
      const stati: RuleStatus[] = []
      for (const rule of chosen(names)) {
        stati.push(await statusOf(session, rule, { tenants, policy: await policyOf(rule)(session) }))
      }
      return stati
    },
    checkArchive: (target, checkOptions = {}) => checkArchive(driverOf(target), store, checkOptions),
    async restore(target, restoreOptions) {
      const report = await restoreSegments(driverOf(target), store, restoreOptions)
      // A rule that is gone from the code may have archived something; one that never was, has not.
      if (report.segments === 0 && restoreOptions.rule !== undefined) chosen([restoreOptions.rule])
      return report
    },
  }
  return found
}

/** No blocker: a run may be given its own. */
const noStore = ({ name }: RetentionRule): PlanNote => ({
  code: 'no-store',
  message: `The rule ${name} archives, and retention() was given no store`,
  remedy: 'Give it one, retention({ store: directoryArchive(folder), … }), or give one to each run',
})

const driverOf = (target: RetentionTarget): Transactor => ('driver' in target ? target.driver : target)
