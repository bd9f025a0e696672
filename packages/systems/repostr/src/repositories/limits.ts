import { DatabaseError } from '@tenantry/core'
import type { FeatureUsage, LimitVerbs } from '@tenantry/limits'
import type { RepositoryDefinition } from '@tenantry/repository'
import { plans } from '../database/plans.ts'

/** All verbs but `usage` are an operator's. */
export interface OutputLimits extends Omit<LimitVerbs<'outputs'>, 'usage'> {
  /** The user's plan, how many outputs were asked for in this month and may be, and when it starts anew. */
  usage(): Promise<FeatureUsage<'outputs'>>
}

/** What plans allow, and what is used of it. Asking for an output counts, whoever does; nothing is counted here. */
export const limits: RepositoryDefinition<typeof plans.tables.limitCounters, OutputLimits> = {
  ...plans.repository,
  bind(executor) {
    const all = plans.repository.bind(executor)
    return {
      ...all,
      async usage() {
        const [usage] = await all.usage()
        if (usage === undefined) throw new DatabaseError('The declaration of plans is not in the database')
        return usage
      },
    }
  },
}
