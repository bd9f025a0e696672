/** Attempts to write: to rows of another tenant, in its name, and around row security. */
import type { Connection, Statement } from '@tenantry/core'
import { quoteIdentifier } from '@tenantry/ddl'
import type { Relation } from './isolation-catalog.ts'
import { type Context, enter, type KnownTenant, tenantValue } from './isolation-contexts.ts'
import { fingerprint, type TenantTable, type Truth } from './isolation-truth.ts'
import { outcome, undone } from './undone.ts'

export interface Attempt extends Statement {
  readonly name: string
  /**
   * It concerns a row that isn't the context's own. Constraints are checked after policies, so a violation
   * shows that no policy refused it.
   */
  readonly foreign?: boolean
}

/** What to try on a table, given a row of the tenant whose rows must stay untouched. */
export function attemptsOn(
  { relation, column, classified }: TenantTable,
  victim: KnownTenant,
  truth: Truth,
): readonly Attempt[] {
  const { sql, columns } = relation
  const row = truth.rows.get(relation.label) ?? {}
  const tenant = tenantValue(victim, classified.of)
  const key = columns.filter((each) => each.primary)
  const where = key
    .map((each, index) => `${quoteIdentifier(each.name)} = $${index + 1}::${each.type}`)
    .join(' and ')
  const keyValues = key.map((each) => row[each.name])
  const updatable = columns.filter((each) => each.update && each.writable)
  // Without a grant one column will do, to see the refusal.
  const written = updatable.length > 0 ? updatable : columns.filter((each) => each.writable).slice(0, 1)
  const inserted = columns.filter((each) => each.insert && each.writable && row[each.name] !== null)
  const list = inserted.map((each) => quoteIdentifier(each.name)).join(', ')
  const values = inserted.map((each, index) => `$${index + 1}::${each.type}`).join(', ')
  const insertValues = inserted.map((each) => row[each.name])
  const tenantType = columns.find((each) => quoteIdentifier(each.name) === column)?.type ?? 'text'
  return [
    // A statement that reads no column is held by the policies of its own command alone.
    ...written.map((each) => ({
      name: `update of ${each.name} without a condition`,
      text: `update ${sql} set ${quoteIdentifier(each.name)} = $1::${each.type}`,
      params: [row[each.name]],
    })),
    ...written.slice(0, 1).map((each) => ({
      name: 'update by key',
      text: `update ${sql} set ${quoteIdentifier(each.name)} = ${quoteIdentifier(each.name)} where ${where}`,
      params: keyValues,
    })),
    { name: 'delete without a condition', text: `delete from ${sql}`, params: [] },
    { name: 'delete by key', text: `delete from ${sql} where ${where}`, params: keyValues, foreign: true },
    {
      name: 'merge that deletes',
      text: `merge into ${sql} as t using (select 1) as s on true when matched then delete`,
      params: [],
    },
    {
      name: 'move to the other tenant',
      text: `update ${sql} set ${column} = $1::${tenantType}`,
      params: [tenant],
    },
    {
      name: 'insert for the other tenant',
      text: `insert into ${sql} (${list === '' ? column : list}) values (${list === '' ? `$1::${tenantType}` : values})`,
      params: list === '' ? [tenant] : insertValues,
      foreign: true,
    },
    ...(list === ''
      ? []
      : [
          {
            name: 'upsert for the other tenant',
            text: `insert into ${sql} (${list}) values (${values}) on conflict do nothing`,
            params: insertValues,
            foreign: true,
          },
          {
            name: 'merge that inserts',
            text: `merge into ${sql} as t using (select 1) as s on false when not matched then insert (${list}) values (${values})`,
            params: insertValues,
            foreign: true,
          },
        ]),
  ]
}

/** What an attempt got through to, in words; null when it was held. */
export async function reached(
  connection: Connection,
  context: Context,
  table: TenantTable,
  victim: KnownTenant,
  attempt: Attempt,
  before: string,
): Promise<string | null> {
  return undone(connection, async (part) => {
    const result = await outcome(
      part.savepoint(async (inner) => {
        await inner.query(enter(context))
        return inner.query(attempt)
      }),
    )
    if (result.refused) {
      // Who has no rows can't have violated a constraint with one.
      const nobody = context.user === null && context.tenant === null
      const passed = (nobody || attempt.foreign === true) && result.sqlState.startsWith('23')
      return passed ? `no policy refused it, only a constraint (${result.sqlState})` : null
    }
    const after = await fingerprint(part, table, victim)
    return after === before ? null : "it changed the tenant's rows"
  })
}

/** Statements that row security doesn't govern, or that no tenant may run on the relation at all. */
export function forbidden(relation: Relation, classified: boolean): readonly Attempt[] {
  const { sql, columns } = relation
  const [column] = columns.filter((each) => each.writable)
  const writes: readonly Attempt[] =
    classified || column === undefined || relation.kind !== 'table'
      ? []
      : [
          { name: 'delete', text: `delete from ${sql}`, params: [] },
          { name: 'update', text: `update ${sql} set ${quoteIdentifier(column.name)} = default`, params: [] },
          { name: 'insert', text: `insert into ${sql} default values`, params: [] },
        ]
  return [
    ...(relation.kind === 'table' ? [{ name: 'truncate', text: `truncate ${sql} cascade`, params: [] }] : []),
    // It doesn't get as far as the file: the right to read or write one comes first.
    ...(relation.kind === 'table'
      ? [{ name: 'copy', text: `copy ${sql} to '/nowhere/at/all'`, params: [] }]
      : []),
    ...writes,
  ]
}

/** Whether such a statement was let through. A missing right is the one acceptable answer. */
export async function allowed(connection: Connection, context: Context, attempt: Attempt): Promise<boolean> {
  return undone(connection, async (part) => {
    const result = await outcome(
      part.savepoint(async (inner) => {
        await inner.query(enter(context))
        return inner.query(attempt)
      }),
    )
    return !result.refused || result.sqlState !== '42501'
  })
}
