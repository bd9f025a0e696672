import { DatabaseError, NotFoundError } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { subscriptions as table } from '../schema/index.ts'
import { type SubscriptionInput, subscriptionInput, type TrialInput, trialInput } from '../types/inputs.ts'
import { newestFirst } from './order.ts'

/** Plan and billing, mirrored from Stripe: a customer reads theirs, the service role writes it. */
export const subscriptions = defineRepository(table, {
  tenant: 'userId',
  readOnly: ['pastDueSince'],
  schema: { create: subscriptionInput },
  defaultSort: newestFirst,
  upsert: {
    on: ['userId'],
    set: [
      'stripeCustomerId',
      'stripeSubscriptionId',
      'planType',
      'status',
      'currentPeriodStart',
      'currentPeriodEnd',
      'cancelAtPeriodEnd',
      'trialEnd',
      'billingAnchor',
    ],
  },
  verbs: (repository, executor) => ({
    /** The user's subscription. Throws NotFoundError where there is none. */
    async mine(): Promise<Row<typeof table>> {
      const subscription = await repository.find()
      if (subscription === null) {
        throw new NotFoundError('The user has no subscription', { table: getTableName(table) })
      }
      return subscription
    },

    /** A trial of whole days of 24 hours from now, by the database's clock. Service role only. */
    async startTrial(input: TrialInput = {}): Promise<Row<typeof table>> {
      serviceOnly(executor, 'startTrial')
      const [started] = await repository.statement(
        'start trial',
        ({ tenant, value }) => ({
          returns: getTableColumns(table),
          query: (columns) => sql`insert into ${table}
              (user_id, plan_type, status, current_period_start, current_period_end, trial_end, billing_anchor)
            select ${tenant}, ${value('planType', table.planType)}, 'trialing', now(), trial.ending, trial.ending,
              case when ${value('postsPer')}::text = 'billing_month' then now() end
            from (select now() + ${value('trialDays')}::integer * interval '24 hours' as ending) as trial
            returning ${columns}`,
        }),
        parseInput(table, trialInput, input),
      )
      if (started === undefined)
        throw new DatabaseError('The trial was not written', { table: getTableName(table) })
      return started
    },

    /**
     * Takes over what the billing provider reports; fields left out keep their values. Throws
     * UniqueViolationError for a Stripe id that another account has. Service role only.
     */
    async sync(input: SubscriptionInput): Promise<Row<typeof table>> {
      serviceOnly(executor, 'sync')
      return repository.upsert(parseInput(table, subscriptionInput, input))
    },
  }),
})
