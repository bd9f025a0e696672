import { ConfigurationError, type DdlObject } from '@tenantry/core'
import {
  appendOnly,
  grants,
  lockDown,
  policy,
  type PolicyOptions,
  quoteIdentifier,
  quoteLiteral,
  relation,
  rowSecurity,
} from '@tenantry/ddl'
import { contextExpressions, contextObjects } from './context.ts'
import { LIBRARY_SCHEMA, ROLES } from './names.ts'
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
    grants({
      table,
      to: ROLES.service,
      privileges: classified.appendOnly
        ? { select: true, insert: true }
        : { select: true, insert: true, update: true, delete: true },
    }),
    grants({ table, to: ROLES.definer, privileges: { select: true } }),
    ...(classified.appendOnly ? appendOnly([table]) : []),
  ]
}

/**
 * One restrictive policy that every row must pass whatever other policies say, and one permissive policy
 * for each command that the tenant role was granted, with the same condition: dropping or loosening either
 * opens nothing. The context stands in a subselect, so it is evaluated once per statement.
 *
 * Where the system has readers or a table shares rows, the restrictive policy is one for each command: SELECT
 * lets those rows pass, and the writing commands hold everyone to rows of their own.
 */
export function tablePolicies(tenancy: Tenancy, classified: ClassifiedTable): readonly PolicyOptions[] {
  const { table, privileges, readers, shared } = classified
  const name = (which: Parameters<Tenancy['policyName']>[1]): string =>
    tenancy.policyName(classified.name, which)
  const trusted: readonly PolicyOptions[] = [
    {
      table,
      name: name('service'),
      as: 'permissive',
      command: 'all',
      to: [ROLES.service],
      using: 'true',
      check: 'true',
    },
    { table, name: name('definer'), as: 'permissive', command: 'select', to: [ROLES.definer], using: 'true' },
  ]
  const to: PolicyOptions['to'] = [ROLES.tenant]
  const select = (as: PolicyOptions['as'], using: string): PolicyOptions => ({
    table,
    name: name(as === 'restrictive' ? 'isolation' : 'select'),
    as,
    command: 'select',
    to,
    using,
  })
  if (classified.class === 'internal') {
    return readers ? [select('restrictive', READS_ALL), select('permissive', READS_ALL), ...trusted] : trusted
  }
  if (classified.class === 'global') return [...trusted, select('permissive', 'true')]
  const own = writableCondition(tenancy, classified)
  const readable = readers ? readableCondition(tenancy, classified) : own
  const writes = { table, to, as: 'restrictive' } as const
  const granted = { table, to, as: 'permissive' } as const
  return [
    ...(readers || shared !== null
      ? ([
          select('restrictive', shared === null ? readable : withShared(tenancy, classified)),
          { ...writes, name: name('isolation_insert'), command: 'insert', check: own },
          { ...writes, name: name('isolation_update'), command: 'update', using: own, check: own },
          { ...writes, name: name('isolation_delete'), command: 'delete', using: own },
        ] as const)
      : ([{ ...writes, name: name('isolation'), command: 'all', using: own, check: own }] as const)),
    ...oneOfEachName([
      ...(privileges.select === undefined ? [] : [select('permissive', readable)]),
      ...(privileges.insert === undefined
        ? []
        : [{ ...granted, name: name('insert'), command: 'insert', check: own } as const]),
      ...(privileges.update === undefined
        ? []
        : [{ ...granted, name: name('update'), command: 'update', using: own, check: own } as const]),
      ...(privileges.delete === undefined
        ? []
        : [{ ...granted, name: name('delete'), command: 'delete', using: own } as const]),
    ]),
    ...(shared === null
      ? []
      : [
          {
            ...granted,
            name: name('shared'),
            command: 'select',
            using: `${columnOf(classified)} = ${sharedTenant(tenancy, classified, shared)}`,
          } as const,
        ]),
    ...trusted,
  ]
}

/** Policies that a host gives one name are one policy, for all commands: what isn't granted stays refused. */
function oneOfEachName(policies: readonly PolicyOptions[]): readonly PolicyOptions[] {
  const names = [...new Set(policies.map((policy) => policy.name))]
  return names.map((name) => {
    const [first, ...others] = policies.filter((policy) => policy.name === name) as [
      PolicyOptions,
      ...PolicyOptions[],
    ]
    if (others.length === 0) return first
    const condition = first.using ?? first.check
    if (others.some(({ using, check }) => (using ?? check) !== condition)) {
      throw new ConfigurationError(
        `The policy ${name} on ${relation(first.table).label} can't be for all commands`,
        {
          hint: 'Readers see more than they may write: give `select` a name of its own',
        },
      )
    }
    return {
      table: first.table,
      name,
      as: 'permissive',
      command: 'all',
      to: first.to,
      using: condition,
      check: condition,
    }
  })
}

/** `"user_id" = (select tenantry.current_user_uuid())` */
export function tenantCondition(tenancy: Tenancy, classified: ClassifiedTable): string {
  return `${columnOf(classified)} = (select ${ownOf(tenancy, classified)})`
}

/** The rows of its own, without those that are shared: they aren't even for one who took their tenant's id. */
function writableCondition(tenancy: Tenancy, classified: ClassifiedTable): string {
  const own = tenantCondition(tenancy, classified)
  return classified.shared === null
    ? own
    : `${own} and ${columnOf(classified)} <> ${quoteLiteral(classified.shared)}`
}

/** The tenant of shared rows, for those who have a context; else null. */
function sharedTenant(tenancy: Tenancy, classified: ClassifiedTable, shared: string): string {
  return `(select case when ${ownOf(tenancy, classified)} is not null then ${quoteLiteral(shared)}${castOf(tenancy)} end)`
}

/** An array, because one index scan serves all of it; where readers see a range, two that are joined. */
function withShared(tenancy: Tenancy, classified: ClassifiedTable): string {
  const column = columnOf(classified)
  const shared = sharedTenant(tenancy, classified, classified.shared ?? '')
  return classified.readers
    ? `${readableCondition(tenancy, classified)} or ${column} = ${shared}`
    : `${column} = any (array[(select ${ownOf(tenancy, classified)}), ${shared}])`
}

const castOf = ({ kind }: Tenancy): string => (kind === 'user-text' ? '::text' : '::uuid')

/**
 * `"user_id" between (select tenantry.first_readable(…)) and (select tenantry.last_readable(…))`: from the
 * tenant to itself, for a reader from the least to the greatest. A range, because an index serves it:
 * `tenant or reader` would have every statement of every tenant read the whole table.
 */
function readableCondition(tenancy: Tenancy, classified: ClassifiedTable): string {
  const own = ownOf(tenancy, classified)
  const bound = (which: 'first' | 'last'): string => `(select ${LIBRARY_SCHEMA}.${which}_readable(${own}))`
  return `${columnOf(classified)} between ${bound('first')} and ${bound('last')}`
}

const columnOf = ({ tenantColumn }: ClassifiedTable): string => quoteIdentifier(tenantColumn?.name ?? '')

function ownOf(tenancy: Tenancy, { of }: ClassifiedTable): string {
  const { tenant, user } = contextExpressions(tenancy)
  return of === 'user' ? user : tenant
}

const READS_ALL = `(select ${LIBRARY_SCHEMA}.current_user_reads_all())`
