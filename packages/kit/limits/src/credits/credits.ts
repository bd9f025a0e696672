import {
  type Executor,
  IdempotencyError,
  type Job,
  lazyModule,
  type Module,
  NotFoundError,
  StaleTransitionError,
  ValidationError,
} from '@tenantry/core'
import { serviceOnly } from '@tenantry/repository'
import { type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { ROLES } from '../caller.ts'
import { gatedStatement, tenantOf } from '../gated-statements.ts'
import { balanceCheck } from './check.ts'
import { InsufficientCreditsError } from './error.ts'
import { createHistory, type History, type HistoryOptions } from './history.ts'
import { creditObjects } from './objects.ts'
import type { CreditsOptions } from './options.ts'
import { type CreditsPlan, planCredits } from './plan.ts'

/** Accounts in one transaction of the job: few enough that those who post hardly wait for it. */
const EXPIRE_BATCH = 100

export interface SpendInput {
  /** Whole credits, from 1 to 10^12. */
  readonly amount: number
  /** What they are for, or where they come from: a short word of the host's. */
  readonly source: string
  readonly description?: string
  /** Names the effect: the same key again, with the same amount and source, does nothing and answers the first entry. */
  readonly idempotencyKey?: string
}

export interface EarnInput extends SpendInput {
  /** When what is left of them goes. Default: never. */
  readonly expiresAt?: Date
}

/** An entry that was written. */
export interface Posted {
  /** Of the tenant's entries: 1, 2, 3 … */
  readonly version: number
  /** After the entry. */
  readonly balance: number
  /** It was written by an earlier call; this one did nothing. */
  readonly replayed: boolean
}

export interface Credits {
  readonly module: Module
  /** What the tenant may spend now. Credits whose time is over don't count, whether or not the job has run. */
  balance(executor: Executor): Promise<number>
  /**
   * Gives credits. Service role only. With a key such as `achievement:<id>` it pays once, whoever asks how often.
   *
   * @throws IdempotencyError if the key stands for another entry.
   * @throws ValidationError for an amount that can't be, or an expiry in the past.
   */
  earn(executor: Executor, input: EarnInput): Promise<Posted>
  /**
   * Spends credits: those that expire soonest first, those that never expire last.
   *
   * @throws InsufficientCreditsError when there are too few; nothing is spent or written.
   * @throws IdempotencyError if the key stands for another entry.
   */
  spend(executor: Executor, input: SpendInput): Promise<Posted>
  /**
   * Undoes an earning or a spending, at most once: again, it answers the first reversal. Service role only. What was
   * spent comes back as it was, with its own time to expire; an earning takes its own credits first, then others.
   *
   * @throws NotFoundError if the tenant has no entry of that version.
   * @throws StaleTransitionError for an entry that is itself a reversal, or an expiry.
   * @throws InsufficientCreditsError when credits to be taken back were spent.
   */
  reverse(executor: Executor, version: number, options?: { readonly description?: string }): Promise<Posted>
  /** The tenant's entries, newest first. */
  history(executor: Executor, options?: HistoryOptions): Promise<History>
}

/**
 * Credits of each tenant: a balance that is never below zero, and append-only entries that it is the sum of, numbered
 * without a gap. Entries are written by functions of the schema `tenantry` alone, and a balance changes with its entry
 * only, whoever tries otherwise, the service role included. A host's own SECURITY DEFINER functions that belong to
 * `tenantry_service` may call `tenantry.post_<name>(tenant, 'earned' | 'spent', amount, source, description, key, expires_at)`.
 *
 * @throws ConfigurationError for a host's table that lacks a column or a unique key.
 */
export function defineCredits<B extends PgTable = PgTable, E extends PgTable = PgTable>(
  options: CreditsOptions<B, E>,
): Credits {
  const plan = planCredits(options)
  const { name, balances, entries, lots } = plan
  const value = (called: string, type: string): SQL => sql`${sql.placeholder(called)}::${sql.raw(type)}`
  const tenant = value('tenant', plan.tenant.type)
  const fields = sql`${value('amount', 'bigint')}, ${value('source', 'text')}, ${value('description', 'text')}, ${value('key', 'text')}`
  const call = (called: string, args: SQL) =>
    gatedStatement(
      (gate) => sql`select posted.outcome, posted.entry_version, posted.account_balance
      from tenantry.${sql.identifier(called)}(${args}) as posted where ${gate}`,
    )
  const statements = {
    earn: call(`post_${name}`, sql`${tenant}, 'earned', ${fields}, ${value('expiresAt', 'timestamptz')}`),
    spend: call(`spend_${name}`, sql`${tenant}, ${fields}`),
    reverse: call(
      `reverse_${name}`,
      sql`${tenant}, ${value('version', 'bigint')}, ${value('description', 'text')}`,
    ),
    balance: gatedStatement(
      (gate) => sql`select account.${sql.raw(balances.sql.balance)} - coalesce((
        select sum(lot.remaining) from ${sql.raw(lots.target.sql)} as lot
        where lot.tenant = ${tenant} and lot.expires_at <= pg_catalog.clock_timestamp() and ${gate}
      ), 0)
      from ${sql.raw(balances.target.sql)} as account
      where account.${sql.raw(balances.sql.tenant)} = ${tenant} and ${gate}`,
    ),
  }

  async function post(
    statement: keyof typeof statements,
    executor: Executor,
    values: Readonly<Record<string, unknown>>,
    requested: number,
  ): Promise<Posted> {
    const { rows } = await executor.run(statements[statement](executor.gate), {
      tenant: tenantOf(executor, `Credits of ${entries.target.label}`),
      ...values,
    })
    const [outcome, version, balance] = rows[0] ?? []
    return answer(entries.target.label, { outcome, version, balance }, requested)
  }

  return {
    module: lazyModule({
      name: `credits in ${entries.target.name}`,
      tables: [
        ...(plan.own
          ? [
              { table: balances.table, tenant: 'tenant' },
              { table: entries.table, tenant: 'tenant', appendOnly: true as const },
            ]
          : []),
        { table: lots.table, tenant: 'tenant' },
      ],
      objects: () => creditObjects(plan),
      jobs: () => [expireJob(plan)],
      checks: () => [balanceCheck(plan)],
    }),
    async balance(executor) {
      const { rows } = await executor.run(statements.balance(executor.gate), {
        tenant: tenantOf(executor, `Credits of ${entries.target.label}`),
      })
      return Number(rows[0]?.[0] ?? 0)
    },
    async earn(executor, input) {
      serviceOnly(executor, 'earn')
      const expiresAt = input.expiresAt ?? null
      return post('earn', executor, { ...checked(input), expiresAt }, input.amount)
    },
    async spend(executor, input) {
      return post('spend', executor, checked(input), input.amount)
    },
    async reverse(executor, version, { description = null } = {}) {
      serviceOnly(executor, 'reverse')
      if (!Number.isSafeInteger(version)) throw invalid('version', 'Must be the version of an entry')
      return post('reverse', executor, { version, description }, 0)
    },
    history: createHistory(plan),
  }
}

function checked({ amount, source, description, idempotencyKey }: SpendInput) {
  if (!Number.isInteger(amount) || amount < 1 || amount > 1e12) {
    throw invalid('amount', 'Must be a whole number from 1 to 10^12')
  }
  if (source === '') throw invalid('source', 'Must not be empty')
  if (idempotencyKey === '') throw invalid('idempotencyKey', 'Must not be empty')
  return { amount, source, description: description ?? null, key: idempotencyKey ?? null }
}

const invalid = (path: string, message: string): ValidationError =>
  new ValidationError(`Credits can't be moved so: ${path}`, [{ path, message }])

function answer(
  label: string,
  { outcome, version, balance }: Readonly<Record<'outcome' | 'version' | 'balance', unknown>>,
  requested: number,
): Posted {
  switch (outcome) {
    case 'done':
    case 'replayed':
      return { version: Number(version), balance: Number(balance), replayed: outcome === 'replayed' }
    case 'insufficient':
      throw new InsufficientCreditsError(Number(balance), requested)
    case 'conflict':
      throw new IdempotencyError(`The idempotency key stands for another entry of ${label}`, {
        table: label,
        hint: 'Take a new key for each effect that is wanted',
      })
    case 'final':
      throw new StaleTransitionError(
        `This entry of ${label} can't be reversed: only what was earned or spent can`,
        {
          table: label,
        },
      )
    default:
      throw new NotFoundError(`There is no such entry in ${label}`, { table: label })
  }
}

/** Each batch is a transaction of its own, so that nobody waits for all of them. */
function expireJob({ name }: CreditsPlan): Job {
  const statement = `select tenantry.expire_${name}(${EXPIRE_BATCH})`
  return {
    name: `expire_${name}`,
    schedule: '*/15 * * * *',
    description: `Writes the entries of credits that have expired. Balances are right without it; the history and its totals lag behind`,
    sql: `do $job$ begin set local role ${ROLES.service}; perform tenantry.expire_${name}(10000); end $job$`,
    async run(connection, { signal } = {}) {
      let changed = 0
      for (let settled = EXPIRE_BATCH; settled > 0 && signal?.aborted !== true;) {
        await connection.script(`begin; set local role ${ROLES.service}`)
        try {
          const { rows } = await connection.query({ text: statement, params: [] })
          await connection.script('commit')
          settled = Number(rows[0]?.[0] ?? 0)
          changed += settled
        } catch (error) {
          await connection.script('rollback')
          throw error
        }
      }
      return { changed, message: `Settled ${changed} accounts with expired credits` }
    },
  }
}
