/** The repositories of a scope, by the names under which it offers them. */
import { approvals } from './approvals.ts'
import { articles } from './articles.ts'
import { auditLogs } from './audit-logs.ts'
import { clusterValidations } from './cluster-validations.ts'
import { clusters } from './clusters.ts'
import { competitors } from './competitors.ts'
import { invitations } from './invitations.ts'
import { keywords } from './keywords.ts'
import { members } from './members.ts'
import { organizations } from './organizations.ts'
import { publishReferences } from './publish-references.ts'
import { rateLimits } from './rate-limits.ts'
import { research } from './research.ts'
import { sections } from './sections.ts'
import { subscriptions } from './subscriptions.ts'
import { transitions } from './transitions.ts'
import { usage } from './usage.ts'
import { users } from './users.ts'
import { workflows } from './workflows.ts'

export const repositories = {
  users,
  organizations,
  members,
  invitations,
  subscriptions,
  competitors,
  workflows,
  transitions,
  keywords,
  clusters,
  clusterValidations,
  approvals,
  articles,
  sections,
  publishReferences,
  research,
  usage,
  rateLimits,
  auditLogs,
}
