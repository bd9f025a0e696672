import { DatabaseError } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { organizationSubscriptions as table } from '../schema/index.ts'
import { type SubscriptionInput, subscriptionInput } from '../types/usage-inputs.ts'
import { newestFirst } from './order.ts'

type Subscription = Row<typeof table>

/**
 * Plans of organizations: members read theirs, the service role keeps what billing says. What may be used follows at
 * once, with what was used carried over; nothing is ever deleted.
 */
export const subscriptions = defineRepository(table, {
  tenant: 'organizationId',
  readOnly: ['pastDueSince'],
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /** The organization's subscription; null: it is on the free plan. */
    async current(): Promise<Subscription | null> {
      return repository.find()
    },

    /**
     * Sets plan and standing. A payment is late since the first call that says so, by the database's clock; the grace
     * of 14 days doesn't begin anew when it is told again. Service role only.
     */
    async change(input: SubscriptionInput): Promise<Subscription> {
      serviceOnly(executor, 'change')
      const [changed] = await repository.statement(
        'change',
        ({ tenant, value }) => ({
          returns: getTableColumns(table),
          query: (
            columns,
          ) => sql`insert into ${table} (organization_id, plan, status, ends_at, past_due_since)
            select ${tenant}, told.plan, told.status, told.ends_at, case told.status when 'past_due' then now() end
            from (
              select ${value('plan', table.plan)}::text as plan, ${value('status', table.status)}::text as status,
                ${value('endsAt', table.endsAt)}::timestamptz as ends_at
            ) as told
            on conflict (organization_id) do update
              set plan = excluded.plan, status = excluded.status, ends_at = excluded.ends_at,
                past_due_since = case excluded.status
                  when 'past_due' then coalesce(${table.pastDueSince}, excluded.past_due_since)
                end
            returning ${columns}`,
        }),
        parseInput(table, subscriptionInput, input),
      )
      if (changed === undefined)
        throw new DatabaseError('The subscription was not written', { table: getTableName(table) })
      return changed
    },
  }),
})
