/** Repostr: uploads repurposed into articles, posts and mails, one user apart from the other. */
export { outputClaims } from './database/outputs.ts'
export { plans } from './database/plans.ts'
export type { OutputLimits } from './repositories/limits.ts'
export type { OutputClaim } from './repositories/outputs.ts'
export type { DayOfActivity, ProjectContents } from './repositories/projects.ts'
export { repostr } from './repostr.ts'
