/** What usegemz adds to its tables in the database. */
import type { Module } from '@tenantry/core'
import { admins } from './admins.ts'
import { apiCalls } from './api-calls.ts'
import { campaignMachine } from './campaigns.ts'
import { settings } from './configuration.ts'
import { erasure } from './erasure.ts'
import { jobClaims, jobTime, resultsOfJob } from './jobs.ts'
import { onboardingMachine, trialDates, trialMachine } from './people.ts'
import { plans, runsUntil } from './plans.ts'
import { tables } from './tables.ts'

export const modules: readonly Module[] = [
  tables,
  admins,
  onboardingMachine.module,
  trialMachine.module,
  trialDates,
  runsUntil,
  campaignMachine.module,
  jobClaims.module,
  jobTime,
  resultsOfJob,
  settings,
  plans.module,
  apiCalls.module,
  erasure,
]
