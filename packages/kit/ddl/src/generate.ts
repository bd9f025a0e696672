export type { Casing } from './generate/drizzle.ts'
export {
  type GeneratedMigration,
  generateMigration,
  type GenerateOptions,
  sealMigrations,
} from './generate/generateMigration.ts'
