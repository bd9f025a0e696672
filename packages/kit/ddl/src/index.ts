export type { DeclaredObject } from './declared.ts'
export { appendOnly, RETENTION_ROLE } from './objects/appendOnly.ts'
export { extension, type ExtensionObject, type ExtensionOptions } from './objects/extension.ts'
export {
  type FunctionArgument,
  type FunctionObject,
  type FunctionOptions,
  sqlFunction,
} from './objects/function.ts'
export { grants, type GrantsObject, type GrantsOptions, type TablePrivileges } from './objects/grants.ts'
export { IS_RESTORED, RESTORING_SETTING } from './objects/restoring.ts'
export { lockDown, type LockDownObject } from './objects/lockDown.ts'
export {
  materializedView,
  type MaterializedViewObject,
  type MaterializedViewOptions,
} from './objects/materializedView.ts'
export {
  partitioned,
  type PartitionedOptions,
  type PartitionKeyObject,
  type PartitionsObject,
} from './objects/partitioned.ts'
export { policy, type PolicyCommand, type PolicyObject, type PolicyOptions } from './objects/policy.ts'
export { role, type RoleObject, type RoleOptions } from './objects/role.ts'
export { rowSecurity, type RowSecurityObject } from './objects/rowSecurity.ts'
export { schema, type SchemaObject, type SchemaOptions } from './objects/schema.ts'
export { setNullColumns, type SetNullColumnsObject } from './objects/setNullColumns.ts'
export { statement, type StatementObject, type StatementOptions } from './objects/statement.ts'
export { touchUpdatedAt, type TouchUpdatedAtOptions } from './objects/touchUpdatedAt.ts'
export { trigger, type TriggerEvent, type TriggerObject, type TriggerOptions } from './objects/trigger.ts'
export { view, type ViewObject, type ViewOptions } from './objects/view.ts'
export {
  dollarQuote,
  qualify,
  quoteGrantee,
  quoteIdentifier,
  quoteIdentifiers,
  quoteLiteral,
} from './identifiers.ts'
export { partitionJobs } from './partitionJobs.ts'
export { relation, type Relation, type RelationName, type RelationReference } from './relation.ts'
export type { AppliedMigration } from './runner/history.ts'
export { migrate, type MigrateOptions, type MigrateResult, type MigrationSource } from './runner/migrate.ts'
export type { Migration } from './runner/migration.ts'
export { readMigrations } from './runner/readMigrations.ts'
export { migrationStatus, type MigrationStatus } from './runner/status.ts'
export {
  type Catalog,
  type CatalogFunction,
  type CatalogTable,
  type CatalogView,
  dumpCatalog,
} from './catalog/dumpCatalog.ts'
