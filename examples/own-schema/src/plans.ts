/** What a workshop's plan allows: so many tickets a month, and so many mechanics at a time. */
import { definePlans, guard } from '@tenantry/limits'
import { contextExpressions } from '@tenantry/rls'
import { mechanics, tickets, workshops } from './schema.ts'

export const plans = definePlans({
  features: {
    tickets: { kind: 'metered', per: 'calendar_month' },
    mechanics: { kind: 'allocated' },
  },
  plans: {
    solo: { tickets: 50, mechanics: 3 },
    works: { tickets: null, mechanics: 20 },
  },
  subscription: { table: workshops, account: 'id', plan: 'plan' },
  tenant: { expression: contextExpressions({ kind: 'organization' }).tenant, type: 'uuid' },
  guards: [
    guard({ table: tickets, account: 'workshopId', counts: [{ feature: 'tickets' }] }),
    guard({ table: mechanics, account: 'workshopId', counts: [{ feature: 'mechanics', where: 'active' }] }),
  ],
})
