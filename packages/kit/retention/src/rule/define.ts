import { ConfigurationError, tableConfig } from '@tenantry/core'
import { relation, type Relation } from '@tenantry/ddl'
import { DECLARED_ONCE } from '@tenantry/repository'
import { getTableColumns, type SQL } from 'drizzle-orm'
import { PgDialect, type PgColumn, type PgTable } from 'drizzle-orm/pg-core'
import type { z } from 'zod'
import type { RetentionAction } from '../action.ts'
import { anonymise } from '../actions/anonymise.ts'
import { archiveThenDelete } from '../actions/archive-then-delete.ts'
import { deleteRows } from '../actions/delete.ts'
import { softDeleteThenPurge } from '../actions/soft-delete-then-purge.ts'
import { ageKind, type Span, spanDays } from './age.ts'
import { type ActionOptions, actionSchema, optionsSchema, type RetentionOptions } from './options.ts'
import type { RetentionRule } from './rule.ts'

/** Default share of a table that one run may take: past it, a wrong number is likelier than a backlog. */
const FRACTION_MAX = 0.5

/**
 * Declares when rows of a table have been kept long enough, and what becomes of them then. Nothing happens before
 * the rule is run.
 *
 * @throws ConfigurationError for what could not work later: a column that isn't there or holds no age, a table
 *   without a primary key, an age of nothing, an age below the floor.
 */
export function defineRetention<const T extends PgTable>(
  table: T,
  options: RetentionOptions<T>,
): RetentionRule {
  const target = relation(table)
  const { age, action, batch = {}, floors = {}, ...rest } = parsed(target, optionsSchema, options)
  if (
    tableConfig(table).primaryKeys.length === 0 &&
    !Object.values(columnsOf(table)).some((c) => c.primary)
  ) {
    throw new ConfigurationError(`${target.label} has no primary key`, {
      hint: 'Rows are found again by it between archive and deletion: give the table one',
    })
  }
  const since = columnOf(table, target, age.column)
  const span: Span = {
    months: (age.months ?? 0) + 12 * (age.years ?? 0),
    days: age.days ?? 0,
    hours: age.hours ?? 0,
  }
  const { minimumDays } = floors
  if (minimumDays !== undefined && spanDays(span) < minimumDays) {
    throw new ConfigurationError(
      `The age of a rule on ${target.label} is below its floor of ${minimumDays} days`,
    )
  }
  const { rows = 1000, maxRows = 20_000, targetMs = 50 } = batch
  const rule: RetentionRule = {
    name: rest.name ?? target.name,
    table,
    target,
    age: { column: since, kind: ageKind(target, since, age.kind), span },
    where: rest.where === undefined ? null : sqlText(rest.where),
    reads: rest.reads ?? [],
    action: resolve(table, target, action),
    batch: { rows: Math.min(rows, maxRows), maxRows, targetMs },
    floors: {
      minimum: minimumDays === undefined ? span : { months: 0, days: minimumDays, hours: 0 },
      maxFraction: floors.maxFraction === undefined ? FRACTION_MAX : floors.maxFraction,
      keepLast:
        floors.keepLast === undefined
          ? null
          : { rows: floors.keepLast.rows, per: columnOf(table, target, floors.keepLast.per) },
    },
    hold: rest.hold ?? true,
  }
  // An action that can't work on such a rule says so here, not at night.
  rule.action.phases(rule)
  return rule
}

/** Values stand in it as literals: it becomes part of statements of which each has parameters of its own. */
export function sqlText(condition: SQL): string {
  return new PgDialect().sqlToQuery(condition.inlineParams()).sql
}

function resolve(table: PgTable, target: Relation, action: ActionOptions<PgTable>): RetentionAction {
  if (typeof action === 'object' && 'run' in action) return action
  const known = parsed(target, actionSchema, typeof action === 'string' ? { kind: action } : action)
  const column = (property: string): PgColumn => columnOf(table, target, property)
  switch (known.kind) {
    case 'delete':
      return deleteRows()
    case 'archive-then-delete':
      return archiveThenDelete(known)
    case 'soft-delete-then-purge':
      return softDeleteThenPurge(target, { ...known, column: column(known.column) })
    case 'anonymise':
      return anonymise(target, {
        marker: column(known.marker),
        set: Object.entries(known.set).map(([property, value]) => ({ column: column(property), value })),
      })
  }
}

function parsed<T extends z.ZodType>(target: Relation, schema: T, value: unknown): z.output<T> {
  const result = schema.safeParse(value, DECLARED_ONCE)
  if (result.success) return result.data
  const issues = result.error.issues.map(({ path, message }) => `${path.map(String).join('.')}: ${message}`)
  throw new ConfigurationError(`The retention of ${target.label} can't be declared so: ${issues.join('; ')}`)
}

function columnsOf(table: PgTable): Readonly<Record<string, PgColumn>> {
  return getTableColumns(table)
}

function columnOf(table: PgTable, target: Relation, property: string): PgColumn {
  const columns = columnsOf(table)
  const found = Object.hasOwn(columns, property) ? columns[property] : undefined
  if (found !== undefined) return found
  throw new ConfigurationError(`${target.label} has no column ${property}`, {
    hint: `It has: ${Object.keys(columns).join(', ')}`,
  })
}
