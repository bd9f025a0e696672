/** The proof that the statements of repositories name their tenant. */
export { recorded } from './recorded.ts'
export {
  type NamedOptions,
  type StandardArguments,
  standardCalls,
  statementsOf,
  unnamedTenants,
  verbsOf,
} from './repository-statements.ts'
export { type TenantBinding, tenantsNamed, type TenantTables, type TenantViolation } from './tenants-named.ts'
