import { defineRepository } from '@tenantry/repository'
import { usageMonthly as table } from '../schema/index.ts'

/** Totals of months whose calls are no longer kept one by one: read by a customer, written by retention. */
export const usageMonthly = defineRepository(table, {
  tenant: 'userId',
  key: ['resourceType', 'month'],
  defaultSort: [{ month: 'desc' }],
})
