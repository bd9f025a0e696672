/** What organizations may use in a month, by their plan: counted in the database, whoever writes. */
import { definePlans, guard } from '@tenantry/limits'
import { contextExpressions } from '@tenantry/rls'
import { articles, keywords, organizations, organizationSubscriptions } from '../schema/index.ts'
import { tenancy } from '../tenancy.ts'
import { GRACE_DAYS } from '../types/enums.ts'
import { PLAN_CAPS } from '../types/plans.ts'

/** As the documented `billing_period` has it. */
const MONTHLY = 'calendar_month'

export const plans = definePlans({
  features: {
    articles: { kind: 'metered', per: MONTHLY },
    article_cost: { kind: 'costed', per: MONTHLY },
    keywords: { kind: 'metered', per: MONTHLY },
    keyword_cost: { kind: 'costed', per: MONTHLY },
    research_queries: { kind: 'metered', per: MONTHLY },
    research_cost: { kind: 'costed', per: MONTHLY },
  },
  plans: PLAN_CAPS,
  subscription: {
    table: organizationSubscriptions,
    account: 'organizationId',
    plan: 'plan',
    status: 'status',
    paidUntil: 'endsAt',
  },
  standing: {
    // Trials and cancellations have their day, `endsAt`, from which on the free plan is in force.
    trialing: 'consumes',
    active: 'consumes',
    past_due: { until: 'pastDueSince', graceDays: GRACE_DAYS },
    paused: 'reads',
    canceled: 'consumes',
  },
  defaultPlan: 'free',
  tenant: { expression: contextExpressions(tenancy).tenant, type: 'uuid' },
  accounts: organizations.id,
  guards: [
    guard({
      table: articles,
      account: 'organizationId',
      counts: [
        {
          feature: 'articles',
          // When it is first generated: what is imported was written elsewhere. Writing it anew costs, and is no other one.
          where: `status = 'generating'`,
          // What has a text that can be read was delivered, as far as it goes; trying it again counts nothing.
          once: {
            givesBack: `row.status = 'failed' and row.completed_at is null and row.delivered_at is null`,
          },
        },
      ],
    }),
    guard({
      table: keywords,
      account: 'organizationId',
      counts: [{ feature: 'keywords' }],
    }),
  ],
})
