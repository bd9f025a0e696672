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
export { legalHoldsModule } from './holds/module.ts'
export { notHeld, type NotHeldOptions } from './holds/not-held.ts'
export { type Hold, type HoldSubject, type PlaceHold, placeHold } from './holds/place-hold.ts'
export { releaseHold, type ReleaseHold } from './holds/release-hold.ts'
export { legalHolds } from './holds/table.ts'
