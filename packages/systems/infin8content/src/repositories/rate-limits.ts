import { defineRepository } from '@tenantry/repository'
import { rateLimits as table } from '../schema/index.ts'
import { newestFirst } from './order.ts'

/** Limits of calls in a window of time: members read them, the service role sets them. */
export const rateLimits = defineRepository(table, {
  tenant: 'organizationId',
  defaultSort: newestFirst,
  upsert: { on: ['key'], set: ['limitCount', 'windowMinutes', 'metadata'] },
})
