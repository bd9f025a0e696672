import { definePlans, guard } from '@tenantry/limits'
import { contextExpressions } from '@tenantry/rls'
import { enhancementRequests, userEntitlements, users } from '../schema/index.ts'
import { tenancy } from '../tenancy.ts'
import { FREE_ENHANCEMENTS_PER_DAY } from '../types/enums.ts'

/**
 * What a customer may have, by the plan of user_entitlements: premium for as long as it is paid, else free. Counted in
 * the database as requests are made, so that whoever writes them meets the limit.
 */
export const plans = definePlans({
  features: {
    enhancement_requests: { kind: 'metered', per: 'calendar_day' },
    enhancement_tokens: { kind: 'metered', per: 'calendar_month' },
  },
  plans: {
    free: { enhancement_requests: FREE_ENHANCEMENTS_PER_DAY, enhancement_tokens: null },
    premium: { enhancement_requests: null, enhancement_tokens: null },
  },
  subscription: { table: userEntitlements, account: 'userId', plan: 'plan', paidUntil: 'premiumUntil' },
  defaultPlan: 'free',
  tenant: { expression: contextExpressions(tenancy).tenant, type: 'uuid' },
  accounts: users.id,
  guards: [
    guard({
      table: enhancementRequests,
      account: 'userId',
      counts: [
        // Taken when it is asked for, whatever number of attempts it needs; given back to its day when it is given up.
        { feature: 'enhancement_requests', once: { givesBack: `row.processing_status = 'failed'` } },
        // What failed attempts cost was spent as well.
        { feature: 'enhancement_tokens', amount: 'coalesce(row.token_usage, 0)', grows: true },
      ],
    }),
  ],
})
