/** What Infin8Content adds to its tables in the database, but for retention, which a host gives an archive. */
import type { Module } from '@tenantry/core'
import { publishClaims, sectionClaims } from './claims.ts'
import { clusterValidation } from './clusters.ts'
import { people } from './people.ts'
import { plans } from './plans.ts'
import { publishing } from './publishing.ts'
import { organizationRateLimits } from './rate-limits.ts'
import { research } from './research.ts'
import { roles } from './roles.ts'
import { sections } from './sections.ts'
import { stamps } from './stamps.ts'
import { statusMachines } from './statuses.ts'
import { usage } from './usage.ts'
import { workflow } from './workflow.ts'

export const modules: readonly Module[] = [
  roles,
  people,
  stamps,
  ...statusMachines.map((machine) => machine.module),
  workflow,
  sectionClaims.module,
  publishClaims.module,
  sections,
  publishing,
  clusterValidation,
  research,
  plans.module,
  usage,
  organizationRateLimits.module,
]
