import type { LimitVerbs } from '@tenantry/limits'
import { plans } from '../database/plans.ts'
import type { PlanFeature } from '../types/enums.ts'

/** Requests are counted by the UTC day, tokens by the month. All verbs but `usage` are an operator's. */
export type CustomerLimits = LimitVerbs<PlanFeature>

/** What plans allow, and what is used of it. Asking for an enhancement counts, whoever does; nothing is counted here. */
export const limits = plans.repository
