import type { Finding } from '@tenantry/core'
import type { Declared } from '../declared.ts'
import type { LiveForeignKey } from '../queries/foreign-keys.ts'
import type { LiveIndex } from '../queries/indexes.ts'
import { finding } from './finding.ts'

/** Whether keys between and within tenant tables hold the tenant, and an index leads with it. */
export function keyFindings(
  declared: Declared,
  foreignKeys: readonly LiveForeignKey[],
  indexes: readonly LiveIndex[],
): readonly Finding[] {
  return [
    ...foreignKeys.flatMap((key) => foreignKey(declared, key)),
    ...indexes.flatMap((index) => uniqueKey(declared, index)),
    ...[...declared.tables].flatMap(([label, { tenantColumn }]) => {
      const own = indexes.filter((index) => index.table === label)
      // No index at all: the table itself is missing, or has lost its primary key.
      if (
        tenantColumn === null ||
        own.some((index) => index.general && index.columns[0] === tenantColumn.name)
      )
        return []
      return [
        finding(
          'tenant-index-missing',
          label,
          `No index leads with ${tenantColumn.name}: every statement reads the rows of all tenants`,
          `create index on ${label} (${tenantColumn.name})`,
        ),
      ]
    }),
  ]
}

function foreignKey(declared: Declared, { name, child, parent, pairs }: LiveForeignKey): readonly Finding[] {
  const [own, other] = [declared.tables.get(child), declared.tables.get(parent)]
  if (own?.tenantColumn === null || own === undefined || other?.tenantColumn === null || other === undefined)
    return []
  if (own.of !== other.of) return []
  const [from, to] = [own.tenantColumn.name, other.tenantColumn.name]
  if (pairs.some(([column, referred]) => column === from && referred === to)) return []
  return [
    finding(
      'foreign-key-without-tenant',
      child,
      `The foreign key ${name} to ${parent} leaves out the tenant: a row can point into another tenant`,
      `Reference (${to}, …) from (${from}, …)`,
    ),
  ]
}

function uniqueKey(
  declared: Declared,
  { table, name, columns, primary, excludes }: LiveIndex,
): readonly Finding[] {
  const tenantColumn = declared.tables.get(table)?.tenantColumn
  if (tenantColumn === null || tenantColumn === undefined || primary || !excludes) return []
  if (columns.includes(tenantColumn.name) || declared.tenancy.globalKeys.includes(name)) return []
  return [
    finding(
      'unique-without-tenant',
      table,
      `The unique key ${name} leaves out the tenant: a refused insert tells what another tenant has`,
      'Add the tenant column, or list it in `globalKeys` if its value is global by nature',
    ),
  ]
}
