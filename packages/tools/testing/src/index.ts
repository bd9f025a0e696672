export {
  createTestDatabase,
  type TemplateOptions,
  type TestDatabase,
  type TestDatabaseOptions,
} from './database.ts'
export { testServer, type TestServer } from './server.ts'
