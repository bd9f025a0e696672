/**
 * The SQL of the standard methods. Each statement on a tenant table names its tenant, and carries the
 * executor's gate in a WHERE clause if there is one.
 */
import { is, type Placeholder, SQL, sql } from 'drizzle-orm'
import type { Field } from './field.ts'
import type { Assignments } from './input.ts'
import { TENANT_SLOT } from './slots.ts'
import { renderSort, type SortTerm } from './sort.ts'
import type { TablePlan, UpsertPlan } from './table-plan.ts'

/** Which rows are meant, apart from the tenant's. */
export interface Scope {
  readonly gate: SQL | null
  /** Rows by soft deletion: `live` and `all` also hold for tables without it. */
  readonly rows: 'live' | 'removed' | 'all'
}

export const tenantPlaceholder = (): Placeholder => sql.placeholder(TENANT_SLOT)

/** `where tenant = $1 and … and <gate>` */
function whereClause(plan: TablePlan, { gate, rows }: Scope, conditions: readonly SQL[]): SQL {
  const parts: SQL[] = []
  if (plan.tenant !== null) parts.push(sql`${plan.tenant.column} = ${tenantPlaceholder()}`)
  parts.push(...conditions)
  if (plan.softDelete !== null && rows !== 'all') {
    parts.push(
      rows === 'live' ? sql`${plan.softDelete.column} is null` : sql`${plan.softDelete.column} is not null`,
    )
  }
  if (gate !== null) parts.push(gate)
  return parts.length === 0 ? sql.empty() : sql` where ${sql.join(parts, sql` and `)}`
}

export function columnList(fields: readonly Field[]): SQL {
  return sql.join(
    fields.map(({ column }) => sql`${column}`),
    sql`, `,
  )
}

export function keyCondition(key: readonly Field[], next: () => Placeholder): SQL {
  return sql.join(
    key.map(({ column }) => sql`${column} = ${next()}`),
    sql` and `,
  )
}

export function selectRows(
  plan: TablePlan,
  scope: Scope,
  columns: readonly Field[],
  conditions: readonly SQL[],
  order?: { readonly terms: readonly SortTerm[]; readonly limit: Placeholder },
): SQL {
  const rows = sql`select ${columnList(columns)} from ${plan.table}${whereClause(plan, scope, conditions)}`
  return order === undefined ? rows : sql`${rows} order by ${renderSort(order.terms)} limit ${order.limit}`
}

export function countRows(plan: TablePlan, scope: Scope, conditions: readonly SQL[]): SQL {
  return sql`select count(*) from ${plan.table}${whereClause(plan, scope, conditions)}`
}

/** Always answers one row, so that a lost answer can't be read as "no". */
export function existsRow(plan: TablePlan, scope: Scope, conditions: readonly SQL[]): SQL {
  return sql`select exists (select 1 from ${plan.table}${whereClause(plan, scope, conditions)})`
}

/** `INSERT … VALUES` can't carry a condition, so rows are selected, with casts: a SELECT alone has no types to infer. */
export function insertRow(plan: TablePlan, gate: SQL | null, row: Assignments, next: () => Placeholder): SQL {
  const fields = [...tenantFirst(plan), ...row.keys()]
  const values = [...row].map(([field, value]) => written(field, value, next, true))
  const tenant = tenantFirst(plan).map(({ cast }) => sql`${tenantPlaceholder()}${cast}`)
  // DEFAULT VALUES couldn't carry the gate; a row of no columns gets the same defaults.
  const columns = fields.length === 0 ? sql.empty() : sql`(${bareNames(fields)}) `
  return sql`insert into ${plan.table} ${columns}select ${sql.join([...tenant, ...values], sql`, `)}${gateClause(gate)}`
}

/**
 * Any number of rows with the same fields, one array of texts for each field: the text doesn't grow with the
 * rows, and PostgreSQL's 65,535 parameters are never reached.
 */
export function insertRows(
  plan: TablePlan,
  gate: SQL | null,
  row: Assignments,
  next: () => Placeholder,
): SQL {
  const fields = [...tenantFirst(plan), ...row.keys()]
  const values: SQL[] = tenantFirst(plan).map(({ cast }) => sql`${tenantPlaceholder()}${cast}`)
  const arrays: SQL[] = []
  const names: SQL[] = []
  for (const [field, value] of row) {
    if (is(value, SQL)) {
      values.push(value)
      continue
    }
    const name = sql.raw(`"value_${names.length}"`)
    names.push(name)
    arrays.push(sql`${next()}::text[]`)
    values.push(sql`"given".${name}${field.cast}`)
  }
  const given = sql`unnest(${sql.join(arrays, sql`, `)}) with ordinality as "given" (${sql.join([...names, POSITION], sql`, `)})`
  return sql`insert into ${plan.table} (${bareNames(fields)}) select ${sql.join(values, sql`, `)} from ${given}${gateClause(gate)} order by "given".${POSITION}`
}

const POSITION = sql.raw('"position"')

/**
 * Without `set`, the row that was found stays as it is; it is still written, since only then it is returned. Its
 * tenant column may not be written, not even with its own value.
 */
export function onConflict(plan: TablePlan, { target }: UpsertPlan, set: readonly SQL[]): SQL {
  const own = target.find((field) => field !== plan.tenant) ?? target[0]
  const changes = set.length > 0 || own === undefined ? set : [sql`${own.name} = excluded.${own.name}`]
  const tenant =
    plan.tenant === null ? sql.empty() : sql` where ${plan.tenant.column} = ${tenantPlaceholder()}`
  return sql` on conflict (${bareNames(target)}) do update set ${sql.join([...changes], sql`, `)}${tenant}`
}

export function updateRows(
  plan: TablePlan,
  scope: Scope,
  changes: readonly SQL[],
  conditions: readonly SQL[],
): SQL {
  return sql`update ${plan.table} set ${sql.join([...changes], sql`, `)}${whereClause(plan, scope, conditions)}`
}

export function assignments(row: Assignments, next: () => Placeholder): SQL[] {
  return [...row].map(([field, value]) => sql`${field.name} = ${written(field, value, next, false)}`)
}

export function deleteRows(plan: TablePlan, scope: Scope, conditions: readonly SQL[]): SQL {
  return sql`delete from ${plan.table}${whereClause(plan, scope, conditions)}`
}

export function returning(statement: SQL, fields: readonly Field[]): SQL {
  return sql`${statement} returning ${columnList(fields)}`
}

function written(field: Field, value: unknown, next: () => Placeholder, cast: boolean): SQL {
  if (is(value, SQL)) return value
  return cast ? sql`${next()}${field.cast}` : sql`${next()}`
}

function tenantFirst(plan: TablePlan): readonly Field[] {
  return plan.tenant === null ? [] : [plan.tenant]
}

function bareNames(fields: readonly Field[]): SQL {
  return sql.join(
    fields.map(({ name }) => name),
    sql`, `,
  )
}

function gateClause(gate: SQL | null): SQL {
  return gate === null ? sql.empty() : sql` where ${gate}`
}
