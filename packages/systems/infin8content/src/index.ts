/** Infin8Content: keywords, clusters and articles for content teams, one organization apart from the other. */
export { publishClaims, sectionClaims } from './database/claims.ts'
export {
  articleMachine,
  articlePublishMachine,
  filterMachine,
  invitationMachine,
  keywordArticleMachine,
  longtailMachine,
  subtopicsMachine,
} from './database/statuses.ts'
export { plans } from './database/plans.ts'
export { organizationRateLimits } from './database/rate-limits.ts'
export { workflowMachine } from './database/workflow.ts'
export { defineInfin8content, infin8content, type Infin8contentOptions } from './infin8content.ts'
export type { FoundKeywords } from './repositories/expansion.ts'
export type { Hub } from './repositories/clusters.ts'
export type { KeywordTree } from './repositories/keyword-tree.ts'
export type { Find } from './repositories/keywords.ts'
export type { Person } from './repositories/members.ts'
export type { Membership } from './repositories/organizations.ts'
export type { Researched } from './repositories/research.ts'
export type { WrittenSection } from './repositories/sections.ts'
export type { UsageHold } from './repositories/usage-holds.ts'
