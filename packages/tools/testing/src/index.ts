export {
  createTestDatabase,
  type TemplateOptions,
  type TestDatabase,
  type TestDatabaseOptions,
} from './database.ts'
export { type DirectoryStore, directoryStore } from './directory-store.ts'
export { testServer, type TestServer } from './server.ts'
export {
  expectIsolated,
  findLeaks,
  type IsolationOptions,
  type IsolationTarget,
  type SeededTenants,
  seedTenants,
} from './isolation.ts'
export { isolationMutations } from './isolation-mutations.ts'
export { MODULE_TABLES, moduleTablesOf } from './module-tables.ts'
export { undone } from './undone.ts'
export { type RowDefaults, type RowFactory, rowFactory, type RowFactoryTarget } from './factory.ts'
export { createTestSystem, type TestSystem, type TestSystemOptions } from './system.ts'
export { createSupabaseDatabase, type SupabaseDatabase } from './supabase-database.ts'
