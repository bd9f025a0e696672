import type { DdlObject } from '@tenantry/core'
import { grants, lockDown, policy, type PolicyOptions, quoteIdentifier, rowSecurity } from '@tenantry/ddl'
import { contextExpressions, contextObjects } from './context.ts'
import { ROLES } from './names.ts'
import type { ClassifiedTable, Tenancy } from './tenancy.ts'

/** Everything that isolation adds to the database: roles, context functions, row security, policies, grants. */
export function tenancyObjects(tenancy: Tenancy): readonly DdlObject[] {
  return [...contextObjects(tenancy), ...tenancy.tables.flatMap((table) => tableObjects(tenancy, table))]
}

function tableObjects(tenancy: Tenancy, classified: ClassifiedTable): readonly DdlObject[] {
  const { table, privileges } = classified
  return [
    rowSecurity({ table }),
    ...tablePolicies(tenancy, classified).map(policy),
    lockDown(table),
    grants({ table, to: ROLES.tenant, privileges }),
    grants({ table, to: ROLES.service, privileges: { select: true, insert: true, update: true, delete: true } }),
    grants({ table, to: ROLES.definer, privileges: { select: true } }),
  ]
}

/**
 * One restrictive policy that every row must pass whatever other policies say, and one permissive policy
 * for each command that the tenant role was granted, with the same condition: dropping or loosening either
 * opens nothing. The context stands in a subselect, so it is evaluated once per statement.
 */
export function tablePolicies(tenancy: Tenancy, classified: ClassifiedTable): readonly PolicyOptions[] {
  const { table, privileges } = classified
  const name = (which: Parameters<Tenancy['policyName']>[1]): string => tenancy.policyName(classified.name, which)
  const trusted: readonly PolicyOptions[] = [
    { table, name: name('service'), as: 'permissive', command: 'all', to: [ROLES.service], using: 'true', check: 'true' },
    { table, name: name('definer'), as: 'permissive', command: 'select', to: [ROLES.definer], using: 'true' },
  ]
  if (classified.class === 'internal') return trusted
  const to: PolicyOptions['to'] = [ROLES.tenant]
  if (classified.class === 'global') {
    return [...trusted, { table, name: name('select'), as: 'permissive', command: 'select', to, using: 'true' }]
  }
  const condition = tenantCondition(tenancy, classified)
  const permissive: readonly PolicyOptions[] = [
    ...(privileges.select === undefined
      ? []
      : [{ table, name: name('select'), as: 'permissive', command: 'select', to, using: condition } as const]),
    ...(privileges.insert === undefined
      ? []
      : [{ table, name: name('insert'), as: 'permissive', command: 'insert', to, check: condition } as const]),
    ...(privileges.update === undefined
      ? []
      : [{ table, name: name('update'), as: 'permissive', command: 'update', to, using: condition, check: condition } as const]),
    ...(privileges.delete === undefined
      ? []
      : [{ table, name: name('delete'), as: 'permissive', command: 'delete', to, using: condition } as const]),
  ]
  return [
    { table, name: name('isolation'), as: 'restrictive', command: 'all', to, using: condition, check: condition },
    ...permissive,
    ...trusted,
  ]
}

/** `"user_id" = (select tenantry.current_user_uuid())` */
export function tenantCondition(tenancy: Tenancy, classified: ClassifiedTable): string {
  const { tenant, user } = contextExpressions(tenancy)
  const column = quoteIdentifier(classified.tenantColumn?.name ?? '')
  return `${column} = (select ${classified.of === 'user' ? user : tenant})`
}
