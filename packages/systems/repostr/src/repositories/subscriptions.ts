import { DatabaseError } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { bindTenant } from '@tenantry/rls'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { subscriptions as table } from '../schema/index.ts'
import { type SubscriptionInput, subscriptionInput } from '../types/inputs.ts'

type Subscription = Row<typeof table>

/**
 * What users pay for. Stripe's webhooks say it, by `sync`; a user reads it. Whoever has no row is on the free plan.
 */
export const subscriptions = defineRepository(table, {
  tenant: 'userId',
  readOnly: ['pastDueSince'],
  verbs: (repository, executor) => ({
    /**
     * Takes over what Stripe says, all of it at once; ids that are left out stay as they are, and so does the anchor
     * of the months. It counts from the next statement on: a higher plan at once, with what was used carried over; a
     * lower one takes nothing away that there is. Service role only.
     */
    async sync(input: SubscriptionInput): Promise<Subscription> {
      serviceOnly(executor, 'sync')
      const values = parseInput(table, subscriptionInput, input)
      const columns = getTableColumns(table)
      const given = (Object.keys(columns) as (keyof typeof columns)[]).filter(
        (property) => values[property as keyof typeof values] !== undefined,
      )
      const named = (property: (typeof given)[number]) => sql.identifier(columns[property].name)
      const [written] = await repository.statement(
        `sync ${given.join(', ')}`,
        ({ tenant, value }) => ({
          returns: columns,
          query: (returned) => sql`insert into ${table} (user_id, ${sql.join(given.map(named), sql`, `)})
            values (${tenant}, ${sql.join(
              given.map((property) => value(property, columns[property])),
              sql`, `,
            )})
            on conflict (user_id) do update set ${sql.join(
              given.map((property) => sql`${named(property)} = excluded.${named(property)}`),
              sql`, `,
            )}
            where ${table.userId} = ${tenant}
            returning ${returned}`,
        }),
        values,
      )
      if (written === undefined)
        throw new DatabaseError('The subscription was not written', { table: getTableName(table) })
      return written
    },

    /** The subscription of a Stripe customer, or null: for a webhook. Service role only. */
    async findByStripeCustomer(stripeCustomerId: string): Promise<Subscription | null> {
      serviceOnly(executor, 'findByStripeCustomer')
      // The one question that is asked before a user is known.
      const { rows } = await executor.run({
        text: 'select user_id from public.subscriptions where stripe_customer_id = $1 limit 2',
        params: [stripeCustomerId],
        gated: false,
      })
      const [[userId] = []] = rows
      if (rows.length !== 1 || typeof userId !== 'string') return null
      return subscriptions.bind(bindTenant(executor, userId)).find()
    },
  }),
})
