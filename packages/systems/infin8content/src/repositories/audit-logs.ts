import { defineRepository } from '@tenantry/repository'
import { auditLogs as table } from '../schema/index.ts'
import { newestFirst } from './order.ts'

/** Who changed what: members read what concerns their organization, nobody changes it. */
export const auditLogs = defineRepository(table, { tenant: 'organizationId', defaultSort: newestFirst })
