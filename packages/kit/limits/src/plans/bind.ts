/** The limits of one executor's tenant. */
import {
  ConfigurationError,
  type Executor,
  IdempotencyError,
  NotFoundError,
  PlanLimitError,
  planLimitOf,
  TenantryError,
  withRetry,
} from '@tenantry/core'
import { checkedAmount, checkedFeature, checkedKey, checkedSubject, checkedTtl } from './input.ts'
import type { Features } from './options.ts'
import type { PlansPlan } from './plan.ts'
import { type Call, calls } from './statements.ts'
import { type Together, together } from './together.ts'
import type { Consumed, FeatureUsage, Hold, HoldOptions, Limits } from './types.ts'

/** One call to consume without a key. */
interface Consumption {
  readonly executor: Executor
  readonly feature: string
  readonly subject: string
  readonly amount: number
}

export type Bind<F extends Features> = (executor: Executor) => Limits<F>

export function binder<F extends Features>(plan: PlansPlan): Bind<F> {
  const call = calls(plan.tenant.type)
  const hot = new WeakMap<object, Together<Consumption, Consumed>>()
  const togetherIn = (database: object): Together<Consumption, Consumed> => {
    const known =
      hot.get(database) ??
      together(
        (one) => consumeOne(call, one),
        (all) => consumeAll(call, all),
      )
    hot.set(database, known)
    return known
  }

  return (executor) => {
    const own = (): Executor => {
      if (executor.tenant !== null) return executor
      throw new ConfigurationError('Limits belong to tenants, and the service role is not bound to one', {
        hint: 'Bind it first: bindTenant(executor, id)',
      })
    }
    const held = (answer: unknown): Hold => {
      if (answer === null) throw new NotFoundError('The account has no such hold')
      return asHold(answer)
    }
    const limits: Limits<Features> = {
      async consume(name, amount = 1, options = {}) {
        const feature = checkedFeature(plan, name)
        const one: Consumption = {
          executor: own(),
          feature: feature.name,
          subject: checkedSubject(feature, options.subject),
          amount: checkedAmount(feature, amount),
        }
        if (options.key !== undefined) return consumeOne(call, one, checkedKey(options.key))
        if (executor.database === undefined) return consumeOne(call, one)
        const key = JSON.stringify([
          executor.role,
          executor.tenant,
          executor.user ?? null,
          one.feature,
          one.subject,
        ])
        return togetherIn(executor.database).run(key, one)
      },
      async hold(name, amount, options) {
        const feature = checkedFeature(plan, name)
        return held(
          await call(own(), 'reserve', {
            feature: feature.name,
            subject: checkedSubject(feature, options.subject),
            amount: checkedAmount(feature, amount),
            key: checkedKey(options.key),
            ttlMs: checkedTtl(options.ttlMs),
          }),
        )
      },
      async commit(hold, actual = hold.amount) {
        const amount = checkedAmount(null, actual, { zero: true })
        return held(await call(own(), 'commit', { hold: hold.id, actual: amount }))
      },
      async release(hold) {
        return held(await call(own(), 'release', { hold: hold.id }))
      },
      async withHold(name, options, run) {
        if (executor.database === undefined) {
          throw new ConfigurationError('Work under a hold would keep the transaction open', {
            hint: 'Call withHold() outside transaction()',
          })
        }
        const { amount = 1, actual } = options
        const feature = checkedFeature(plan, name)
        const hold = await limits.hold(name, amount, options as HoldOptions)
        if (hold.state !== 'pending') {
          throw new IdempotencyError('The work of this key was finished before', {
            hint: 'Take a new key for each piece of work',
          })
        }
        // Done twice it would count once; and the hold is not this call's to release.
        if (hold.replayed) {
          throw new IdempotencyError('The work of this key is under way, or its process died', {
            hint: `It can be tried again once its hold has run out, at ${hold.expiresAt.toISOString()}`,
          })
        }
        // It answers the same however often it is asked, so a lost connection is no reason to lose what was used.
        const finish = (took: number): Promise<Hold> =>
          withRetry(() => limits.commit(hold, took), {
            when: (error) => error instanceof TenantryError && error.retryable,
          })
        const result = await attempted(
          () => run(hold),
          () => limits.release(hold),
        )
        // The work is done. Where it can't be said what it took, it took what was held.
        const took = await attempted(
          async () =>
            actual === undefined ? amount : checkedAmount(feature, actual(result), { zero: true }),
          () => finish(amount),
        )
        await finish(took)
        return result
      },
      async usage() {
        const answer = await call(own(), 'usage', {})
        return Array.isArray(answer) ? answer.map(asUsage) : []
      },
    }
    return limits as Limits<F>
  }
}

/** Runs work; when it throws, its hold is resolved, and what went wrong with the work is what the caller hears of. */
async function attempted<R>(run: () => Promise<R>, resolve: () => Promise<unknown>): Promise<R> {
  try {
    return await run()
  } catch (error) {
    // A hold that can't be resolved now runs out by itself.
    await resolve().catch(() => {})
    throw error
  }
}

async function consumeOne(
  call: Call,
  { executor, feature, subject, amount }: Consumption,
  key: string | null = null,
): Promise<Consumed> {
  // In a transaction a refusal is an error of the database, as any other that ends it.
  const answered = executor.database !== undefined
  const answer = await call(executor, 'consume', { feature, subject, amount, key, answer: answered })
  const limit = planLimitOf(answer)
  if (limit !== null) throw new PlanLimitError(limit)
  return asConsumed(answer)
}

async function consumeAll(
  call: Call,
  all: readonly Consumption[],
): Promise<readonly PromiseSettledResult<Consumed>[]> {
  const [first] = all
  if (first === undefined) return []
  if (all.length === 1) return Promise.allSettled([consumeOne(call, first)])
  const { executor, feature, subject } = first
  const amounts = all.map(({ amount }) => amount)
  try {
    const answers = await call(executor, 'consume_each', { feature, subject, amounts })
    return (answers as readonly unknown[]).map((answer) => {
      const limit = planLimitOf(answer)
      return limit === null
        ? { status: 'fulfilled', value: asConsumed(answer) }
        : { status: 'rejected', reason: new PlanLimitError(limit) }
    })
  } catch (error) {
    // Not even the least of them fits. What would fit each is the same only where they ask for the same.
    if (!(error instanceof PlanLimitError) || amounts.every((amount) => amount === error.requested)) {
      return all.map(() => ({ status: 'rejected', reason: error }))
    }
    return Promise.allSettled(all.map((one) => consumeOne(call, one)))
  }
}

const field = (answer: unknown, name: string): unknown =>
  typeof answer === 'object' && answer !== null ? (Reflect.get(answer, name) ?? null) : null
const number = (answer: unknown, name: string): number => Number(field(answer, name))
const text = (answer: unknown, name: string): string | null => {
  const value = field(answer, name)
  return value === null ? null : String(value)
}
const maybeNumber = (answer: unknown, name: string): number | null =>
  field(answer, name) === null ? null : number(answer, name)
const date = (answer: unknown, name: string): Date | null => {
  const value = text(answer, name)
  return value === null ? null : new Date(value)
}

const asConsumed = (answer: unknown): Consumed => ({
  used: number(answer, 'used'),
  reserved: number(answer, 'reserved'),
  limit: maybeNumber(answer, 'limit'),
  plan: text(answer, 'plan'),
  resetsAt: date(answer, 'resetsAt'),
  replayed: field(answer, 'replayed') === true,
})

const asHold = (answer: unknown): Hold => ({
  id: String(field(answer, 'id')),
  feature: String(field(answer, 'feature')),
  subject: text(answer, 'subject') === '' ? null : text(answer, 'subject'),
  amount: number(answer, 'amount'),
  state: field(answer, 'state') as Hold['state'],
  actual: maybeNumber(answer, 'actual'),
  expiresAt: date(answer, 'expiresAt') as Date,
  replayed: field(answer, 'replayed') === true,
})

function asUsage(answer: unknown): FeatureUsage {
  const limit = maybeNumber(answer, 'limit')
  const [used, reserved] = [number(answer, 'used'), number(answer, 'reserved')]
  return {
    feature: String(field(answer, 'feature')),
    kind: field(answer, 'kind') as FeatureUsage['kind'],
    subject: text(answer, 'subject'),
    plan: text(answer, 'plan'),
    limit,
    available: field(answer, 'available') === true,
    used,
    reserved,
    overage: number(answer, 'overage'),
    percentage: limit === null || limit === 0 ? null : (100 * (used + reserved)) / limit,
    startsAt: date(answer, 'startsAt'),
    resetsAt: date(answer, 'resetsAt'),
  }
}
