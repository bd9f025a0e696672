export {
  defineSystem,
  type System,
  type SystemDefinition,
  type SystemFactory,
  type SystemOptions,
} from './define-system.ts'
export type { ScopedDrizzle } from './drizzle.ts'
export type { Bound, Definitions, Scope, ServiceScope } from './scope.ts'
