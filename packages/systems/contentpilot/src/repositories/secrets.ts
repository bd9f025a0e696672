import { defineRepository } from '@tenantry/repository'
import { userSecrets as table } from '../schema/index.ts'
import { newestFirst } from './order.ts'

/** A customer's API keys and tokens, encrypted before they arrive here. */
export const secrets = defineRepository(table, { tenant: 'userId', defaultSort: newestFirst })
