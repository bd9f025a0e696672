export { CALLER_IS_SERVICE, type ContextExpressions, contextExpressions } from './context.ts'
export { describeLogin, type Login, type LoginDescription, type LoginMode, loginOf } from './login.ts'
export { LIBRARY_SCHEMA, ROLES, SETTINGS } from './names.ts'
export { tenancyObjects, tenantCondition } from './policies.ts'
export { bindReading, bindTenant, serviceExecutor, tenantExecutor } from './scope.ts'
export { serviceJob, type ServiceJobOptions } from './service-job.ts'
export { serviceStatement } from './service-statement.ts'
export { readersOnly } from './readers-only.ts'
export { refuseTakenContext } from './taken.ts'
export {
  type ClassifiedTable,
  defineTenancy,
  type MembershipOptions,
  type PolicyNamer,
  type ReadersOptions,
  type TableAccess,
  type TableClass,
  type TableKey,
  type Tenancy,
  type TenancyKind,
  type TenancyOptions,
  withModuleTables,
} from './tenancy.ts'
export { isolationCheck, verifyIsolation, type VerifyIsolationOptions } from './verify/verify-isolation.ts'
