/** What SexyResume adds to its tables in the database. */
import type { Module } from '@tenantry/core'
import { achievements } from './achievements.ts'
import { cohorts } from './cohorts.ts'
import { credits } from './credits.ts'
import { dashboard } from './dashboard.ts'
import { maintenance } from './maintenance.ts'
import { roleSearch } from './matching.ts'
import { personalData } from './personal-data.ts'
import { referrals } from './referrals.ts'
import { enhancementClaims, exportClaims, suggestionMachine } from './requests.ts'
import { tables } from './tables.ts'

export const modules: readonly Module[] = [
  tables,
  enhancementClaims.module,
  exportClaims.module,
  suggestionMachine.module,
  roleSearch.module,
  credits,
  referrals,
  achievements,
  dashboard,
  cohorts,
  maintenance,
  personalData,
]
