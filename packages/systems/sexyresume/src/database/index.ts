/** What SexyResume adds to its tables in the database. */
import type { Module } from '@tenantry/core'
import type { ArchiveStore, Retention } from '@tenantry/retention'
import { achievements } from './achievements.ts'
import { cohorts } from './cohorts.ts'
import { creditFunctions, credits } from './credits.ts'
import { analyticsSummary, dailyMetrics, dashboard } from './dashboard.ts'
import { maintenance } from './maintenance.ts'
import { roleSearch } from './matching.ts'
import { personalData } from './personal-data.ts'
import { plans } from './plans.ts'
import { referrals } from './referrals.ts'
import { enhancementClaims, exportClaims, suggestionMachine } from './requests.ts'
import { purge, retentionWith } from './retention.ts'
import { tables } from './tables.ts'

export interface Parts {
  readonly modules: readonly Module[]
  readonly retention: Retention
}

/** `archive`: the store of its jobs; null: those that archive refuse to run. It changes nothing in the database. */
export function partsWith(archive: ArchiveStore | null): Parts {
  const retention = retentionWith(archive)
  return {
    retention,
    modules: [
      tables,
      enhancementClaims.module,
      exportClaims.module,
      suggestionMachine.module,
      roleSearch.module,
      plans.module,
      credits.module,
      creditFunctions,
      referrals,
      achievements,
      dailyMetrics,
      analyticsSummary,
      dashboard,
      cohorts,
      retention.module,
      purge,
      maintenance,
      personalData,
    ],
  }
}
