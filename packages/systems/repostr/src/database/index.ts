/** What Repostr adds to its tables in the database. */
import type { Module } from '@tenantry/core'
import { outputClaims } from './outputs.ts'
import { pastDue, plans } from './plans.ts'
import { rules } from './retention.ts'
import { storage } from './storage.ts'
import { stuck } from './stuck.ts'
import { tables } from './tables.ts'
import { vacuum } from './vacuum.ts'

export const modules: readonly Module[] = [
  tables,
  outputClaims.module,
  stuck,
  pastDue,
  plans.module,
  rules.module,
  storage,
  vacuum,
]
