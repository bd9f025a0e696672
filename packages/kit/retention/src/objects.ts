/** What rules add to the database: the role, and what it may do with the tables that it needs. */
import { ConfigurationError, type DdlObject, type ModuleTable } from '@tenantry/core'
import { grants, policy, relation, role, schema, type TablePrivileges } from '@tenantry/ddl'
import type { PgTable } from 'drizzle-orm/pg-core'
import { declaredGraph } from './graph/declared-graph.ts'
import { legalHolds } from './holds/table.ts'
import { holdObjects } from './holds/objects.ts'
import { LIBRARY_SCHEMA, RETENTION_ROLE } from './names.ts'
import { partitionRetirements } from './partitions/table.ts'
import type { RetentionRule } from './rule/rule.ts'
import { archiveSegments, retentionBatches, retentionLeases, retentionRuns } from './tables.ts'

export const moduleTables: readonly ModuleTable[] = [
  { table: retentionRuns },
  { table: retentionLeases },
  { table: archiveSegments, appendOnly: true },
  { table: retentionBatches, appendOnly: true },
  { table: legalHolds },
  { table: partitionRetirements },
]

type Rights = Pick<TablePrivileges, 'select' | 'insert' | 'update' | 'delete'>

/** `tables`: all that the system has, so that holds can be followed through their foreign keys. */
export function retentionObjects(
  rules: readonly RetentionRule[],
  tables: readonly PgTable[],
): readonly DdlObject[] {
  const rights = new Map<PgTable, Rights>([
    ...connected(rules, tables).map((table) => [table, { select: true }] as const),
    ...rules.flatMap(({ reads }) => reads.map((table) => [table, { select: true }] as const)),
    // Last: a rule may be about one of these too.
    [retentionRuns, { select: true, insert: true, update: true }],
    [retentionLeases, { select: true, insert: true, update: true }],
    [archiveSegments, { select: true, insert: true }],
    [retentionBatches, { select: true, insert: true }],
  ])
  for (const { table, action } of rules) rights.set(table, merged(rights.get(table), action.privileges))
  for (const { table, privileges } of rules.flatMap(({ action }) => action.writes ?? [])) {
    rights.set(table, merged(rights.get(table), privileges))
  }
  return [
    role({ name: RETENTION_ROLE }),
    schema({ name: LIBRARY_SCHEMA }),
    ...[...new Set([LIBRARY_SCHEMA, ...[...rights.keys()].map((table) => relation(table).schema)])].map(
      (name) => schema({ name, usableBy: [RETENTION_ROLE] }),
    ),
    ...[...rights].flatMap(([table, privileges]) => rightsOn(table, privileges)),
    ...holdObjects(),
    ...rules.flatMap(({ action }) => action.objects ?? []),
  ]
}

function rightsOn(table: PgTable, privileges: Rights): readonly DdlObject[] {
  const common = { table, as: 'permissive', to: [RETENTION_ROLE] } as const
  return [
    policy({ ...common, name: 'retention_select', command: 'select', using: 'true' }),
    ...(privileges.insert === undefined
      ? []
      : [policy({ ...common, name: 'retention_insert', command: 'insert', check: 'true' })]),
    ...(privileges.update === undefined
      ? []
      : [policy({ ...common, name: 'retention_update', command: 'update', using: 'true', check: 'true' })]),
    ...(privileges.delete === undefined
      ? []
      : [policy({ ...common, name: 'retention_delete', command: 'delete', using: 'true' })]),
    grants({ table, to: RETENTION_ROLE, privileges: { ...privileges, select: true } }),
  ]
}

function merged(known: Rights | undefined, further: Rights): Rights {
  const update = [known?.update ?? [], further.update ?? []]
  const columns = update.some((extent) => extent === true)
    ? true
    : [...new Set(update.flatMap((extent) => (extent === true ? [] : extent)))]
  return {
    select: true,
    ...(columns === true || columns.length > 0 ? { update: columns } : {}),
    ...((known?.insert ?? further.insert) === undefined ? {} : { insert: true as const }),
    ...(known?.delete === true || further.delete === true ? { delete: true } : {}),
  }
}

/** What foreign keys lead to, from the tables of rules, in either direction. */
function connected(rules: readonly RetentionRule[], tables: readonly PgTable[]): readonly PgTable[] {
  const all = [...new Set([...tables, ...rules.map(({ table }) => table)])]
  const graph = declaredGraph(all)
  const reached = rules.map(({ target }) => target.label)
  for (const label of reached) {
    const next = [
      ...graph.parentsOf(label).map((edge) => edge.parent),
      ...graph.childrenOf(label).map((edge) => edge.child),
    ]
    reached.push(...new Set(next.filter((other) => !reached.includes(other))))
  }
  return all.filter((table) => reached.includes(relation(table).label))
}

export function checkNames(rules: readonly RetentionRule[]): void {
  const names = rules.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice === undefined) return
  throw new ConfigurationError(`Two retention rules are called ${twice}`, {
    hint: 'Give one of them a `name` of its own',
  })
}
