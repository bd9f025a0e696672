/** Handing a system's jobs to a scheduler. The schedulers are the host's: none of them is imported here. */
export { type GraphileJobs, graphileJobs, type GraphileTask } from './jobs/graphile-worker.ts'
export { type LoopEvent, type LoopOptions, runJobLoop } from './jobs/loop.ts'
export { type PgBossJob, type PgBossLike, workOnPgBoss } from './jobs/pg-boss.ts'
export { pgCronPlan, type PgCronOptions, type PgCronPlan } from './jobs/pg-cron.ts'
export type { JobSource } from './jobs/source.ts'
