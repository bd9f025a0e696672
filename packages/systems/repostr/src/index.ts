/** Repostr: uploads repurposed into articles, posts and mails, one user apart from the other. */
export { repostr } from './repostr.ts'
export { outputClaims } from './database/outputs.ts'
