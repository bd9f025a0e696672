import { defineRepository } from '@tenantry/repository'
import { creditBalances as table } from '../schema/index.ts'

/** What each user may spend: written by the functions of credits alone. */
export const creditBalances = defineRepository(table, { tenant: 'userId' })
