export { declaredGraph } from './graph/declared-graph.ts'
export { readGraph } from './graph/read-graph.ts'
export type {
  GraphColumn,
  GraphEdge,
  GraphTable,
  OnDelete,
  TableGraph,
  TenantTable,
} from './graph/table-graph.ts'
export { type ActiveHolds, lockHolds, readHolds } from './holds/active.ts'
export { notHeld, type NotHeldOptions } from './holds/not-held.ts'
export { type Hold, type HoldSubject, type PlaceHold, placeHold } from './holds/place-hold.ts'
export { releaseHold, type ReleaseHold } from './holds/release-hold.ts'
export { legalHolds } from './holds/table.ts'
export { type Partition, type PartitionedTable, readPartitions } from './partitions/read-partitions.ts'
export { dropPartitions, type DropPartitionsOptions } from './partitions/drop-partitions.ts'
export {
  type PartitionArchived,
  type PartitionContents,
  planPartitions,
  type RetiredPartition,
  type RetirementOutcome,
  type RetirementStep,
  retirePartitions,
  type RetireOptions,
} from './partitions/retire-partitions.ts'
export { partitionRetirements } from './partitions/table.ts'
export type { RetentionAction } from './action.ts'
export type { Backlog } from './engine/backlog.ts'
export type { BudgetOptions, PressureOptions } from './engine/budget.ts'
export type { RetentionEvent, RunEnd } from './engine/events.ts'
export type { Policy } from './engine/runs.ts'
export type { RunOptions, RunReport } from './engine/run-rule.ts'
export { transactorOf } from './engine/session.ts'
export type { Work } from './engine/work.ts'
export {
  ArchiveError,
  LeaseLostError,
  type RefusedRow,
  RetentionRefusedError,
  RowsRefusedError,
  SchemaChangedError,
} from './errors.ts'
export { RETENTION_ROLE } from './names.ts'
export type { PlannedPhase, PlannedReference, PlanNote, RulePlan } from './plan/plan.ts'
export type { CheckArchiveOptions } from './restore/check-archive.ts'
export type { RestoreOptions, RestoreReport } from './restore/restore.ts'
export {
  type PolicySource,
  type Retention,
  retention,
  type RetentionModuleOptions,
  type RetentionTarget,
} from './retention.ts'
export { purgeFunction, type PurgeFunctionOptions, type SqlPolicy } from './jobs/purge-function.ts'
export { expireArchive } from './actions/expire-archive.ts'
export { defineRetention } from './rule/define.ts'
export type { ActionOptions, AgeOptions, FloorOptions, RetentionOptions } from './rule/options.ts'
export type { Phase } from './rule/phase.ts'
export type { RetentionRule } from './rule/rule.ts'
export type { RuleStatus } from './status.ts'
export { directoryArchive } from './store/directory.ts'
export { s3Archive, type S3ArchiveOptions } from './store/s3.ts'
export type { ArchiveStore } from './store/store.ts'
export type { RollUpOptions } from './roll-up/plan.ts'
export { rollUp } from './roll-up/roll-up.ts'
export { moveRows } from './move-rows/move-rows.ts'
export { refreshedView, type RefreshedViewOptions } from './refresh/refreshed-view.ts'
export { type ObjectSweepOptions, type OrphanOptions } from './objects-sweep/options.ts'
export { defineObjectSweep, type ObjectSweep, type Orphans, type Removed } from './objects-sweep/sweep.ts'
