import { defineRateLimitRows } from '@tenantry/limits'
import { contextExpressions } from '@tenantry/rls'
import { rateLimits as table } from '../schema/index.ts'
import { tenancy } from '../tenancy.ts'

/** Sliding windows in the documented table: each row is a limit and holds its own calls. */
export const organizationRateLimits = defineRateLimitRows({
  table,
  tenant: { expression: contextExpressions(tenancy).tenant, type: 'uuid' },
  columns: {
    tenant: 'organizationId',
    key: 'key',
    limit: 'limitCount',
    window: 'windowMinutes',
    instants: 'instants',
    count: 'currentCount',
    windowStart: 'windowStart',
  },
  windowUnitMs: 60_000,
})
