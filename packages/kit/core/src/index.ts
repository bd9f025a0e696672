export { createdAt, deletedAt, descending, equals, id, instant, oneOf, timestamps } from './columns.ts'
export { connect, type ConnectOptions, type DrizzleDatabase, type HostClient } from './connect.ts'
export { type CursorPosition, type CursorValues, decodeCursor, encodeCursor } from './cursor.ts'
export { Database, type DatabaseHealth, type DatabaseSettings } from './database.ts'
export type {
  Answer,
  Connection,
  Driver,
  DriverTraits,
  IsolationLevel,
  Listen,
  Statement,
  TransactionOptions,
} from './driver.ts'
export type { PgPool } from './drivers/node-postgres.ts'
export type { PGliteClient } from './drivers/pglite.ts'
export type { PostgresJsClient } from './drivers/postgres-js-connection.ts'
export {
  CheckViolationError,
  ConfigurationError,
  ConnectionError,
  CursorError,
  DatabaseError,
  ForeignKeyError,
  IdempotencyError,
  type InputIssue,
  IsolationError,
  LimitError,
  MigrationError,
  NotFoundError,
  NotNullError,
  SerializationError,
  StaleTransitionError,
  TenantryError,
  type TenantryErrorOptions,
  TimeoutError,
  UniqueViolationError,
  ValidationError,
} from './errors.ts'
export {
  bindQuery,
  type CompiledQuery,
  compiledQuery,
  type Executor,
  type ExecutorRole,
  type ScopeTransactionOptions,
} from './executor.ts'
export { type Fresh, keepFresh, type KeepFreshOptions } from './keep-fresh.ts'
export {
  type Check,
  DDL_KINDS,
  type DdlKind,
  type DdlObject,
  type Finding,
  type Job,
  type JobResult,
  lazyModule,
  type Module,
  type ModuleParts,
  type ModuleTable,
  type StatementAmendment,
} from './module.ts'
export type { ObjectStore, StoredObject } from './object-store.ts'
export type { Claims, OrganizationPrincipal, Principal, UserPrincipal } from './principal.ts'
export { type RetryOptions, withRetry } from './retry.ts'
export { type PlanLimit, PlanLimitError, planLimitOf, type PlanLimitReason } from './plan-limit-error.ts'
export { POOL_SETTINGS, type PoolSettings, type Situation } from './situation.ts'
export { tableConfig } from './table-config.ts'
export { RAISED, translateError } from './translate.ts'
export { encodeArray, encodeParam } from './wire.ts'
