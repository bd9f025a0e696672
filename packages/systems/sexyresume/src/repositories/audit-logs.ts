import { defineRepository } from '@tenantry/repository'
import { auditLogs as table } from '../schema/index.ts'
import { newestFirst } from './order.ts'

/** Who changed what: a customer reads what concerns them, nobody changes it. */
export const auditLogs = defineRepository(table, { tenant: 'userId', defaultSort: newestFirst })
