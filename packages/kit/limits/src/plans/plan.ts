/** Options resolved to columns and checked, once, when plans are declared. */
import { ConfigurationError } from '@tenantry/core'
import { relation } from '@tenantry/ddl'
import { DECLARED_ONCE, type Property } from '@tenantry/repository'
import { getTableColumns } from 'drizzle-orm'
import { getTableConfig, type PgColumn, type PgTable } from 'drizzle-orm/pg-core'
import { z } from 'zod'
import type { Caps, Feature, Features, PlansOptions } from './options.ts'
import type { PlanSql } from './sql/function.ts'
import { type AccountType, CAP_MAX } from './tables.ts'

export interface StandingPlan {
  readonly status: string
  readonly mode: 'consumes' | 'reads' | 'until'
  readonly until: PgColumn | null
  readonly graceDays: number
}

export interface PlansPlan extends PlanSql {
  readonly features: readonly (Feature & { readonly name: string })[]
  /** The smallest first. */
  readonly plans: readonly { readonly name: string; readonly caps: Readonly<Record<string, number | null>> }[]
  readonly defaultPlan: string | null
  readonly subscription: {
    readonly table: PgTable
    readonly account: PgColumn
    readonly plan: PgColumn
    readonly status: PgColumn | null
    readonly anchor: PgColumn | null
    readonly paidUntil: PgColumn | null
  }
  readonly standing: readonly StandingPlan[]
  /** By which a table of the host's has the accounts. */
  readonly accounts: PgColumn | null
  /** Accounts are tenants, so that each tenant reads the rows of its own. */
  readonly accountIsTenant: boolean
}

/** Names become parts of rows and messages. */
const NAME = z
  .string()
  .regex(/^[a-z][a-z0-9_]{0,49}$/, 'must be lower-case letters, digits and _, at most 50')

/** The server has a list of its own; a name that isn't here either is a slip. */
function isZone(timeZone: string): boolean {
  try {
    return Boolean(new Intl.DateTimeFormat('en', { timeZone }))
  } catch {
    return false
  }
}
const CAP = z.number().min(0).max(CAP_MAX).nullable()
const DECLARED = z.object({
  features: z.record(
    NAME,
    z.discriminatedUnion('kind', [
      z.strictObject({
        kind: z.enum(['metered', 'costed']),
        per: z.enum(['calendar_month', 'calendar_day', 'billing_month', 'billing_year']),
        zone: z.string().refine(isZone, 'must be a time zone, such as Europe/Berlin').optional(),
        subject: z.string().min(1).optional(),
      }),
      z.strictObject({ kind: z.literal('allocated'), subject: z.string().min(1).optional() }),
    ]),
  ),
  plans: z.record(NAME, z.record(z.string(), CAP)),
  tenant: z.object({ expression: z.string().min(1), type: z.enum(['uuid', 'text']) }),
  account: z.string().min(1).optional(),
})

export function planPlans<
  const F extends Features,
  const P extends Readonly<Record<string, Caps<F>>>,
  T extends PgTable,
  Status extends Property<T>,
>(options: PlansOptions<F, P, T, Status>): PlansPlan {
  const declared = {
    features: options.features,
    plans: options.plans,
    tenant: options.tenant,
    account: options.account,
  }
  const checked = DECLARED.safeParse(declared, DECLARED_ONCE)
  if (!checked.success)
    throw new ConfigurationError(`The plans are malformed: ${z.prettifyError(checked.error)}`)
  const { table } = options.subscription
  const { label } = relation(table)
  const columns: Record<string, PgColumn> = getTableColumns(table)
  const named = (property: string): PgColumn => {
    const column = columns[property]
    if (column === undefined) throw new ConfigurationError(`${label} has no column ${property}`)
    return column
  }
  const maybe = (property: string | undefined): PgColumn | null =>
    property === undefined ? null : named(property)
  const instantColumn = (property: string | undefined): PgColumn | null => {
    const column = maybe(property)
    if (column === null || column.getSQLType().startsWith('timestamp')) return column
    throw new ConfigurationError(`${label}.${column.name} is no point in time`)
  }
  const features = Object.entries(options.features).map(([name, feature]) => ({ name, ...feature }))
  const plans = Object.entries(options.plans).map(([name, caps]) => ({ name, caps }))
  checkCaps(features, plans)
  const defaultPlan = options.defaultPlan ?? null
  if (defaultPlan !== null && options.plans[defaultPlan] === undefined) {
    throw new ConfigurationError(`The default plan "${defaultPlan}" isn't among the plans`)
  }
  const account = named(options.subscription.account)
  checkUnique(table, account)
  const accounts = options.accounts ?? null
  if (accounts !== null) checkAccounts(accounts, accountTypeOf(label, account))
  const statusColumn = maybe(options.subscription.status)
  const standing = standingOf(options.standing ?? {}, instantColumn)
  if ((statusColumn === null) !== (options.standing === undefined)) {
    throw new ConfigurationError(`${label}: a status column and what its statuses mean go together`)
  }
  const accountType = accountTypeOf(label, account)
  if (options.account === undefined && accountType !== options.tenant.type) {
    throw new ConfigurationError(
      `${label}.${account.name} is a ${accountType}, and tenants are ${options.tenant.type}: they are no accounts`,
      { hint: 'Say in `account` whose limits a tenant uses' },
    )
  }
  return {
    accountType,
    tenant: options.tenant,
    account: options.account ?? 'of_tenant',
    accountIsTenant: options.account === undefined,
    features,
    plans,
    defaultPlan,
    subscription: {
      table,
      account,
      plan: named(options.subscription.plan),
      status: statusColumn,
      anchor: instantColumn(options.subscription.anchor),
      paidUntil: instantColumn(options.subscription.paidUntil),
    },
    standing,
    accounts,
  }
}

type Declared = PlansPlan['features']

function checkCaps(features: Declared, plans: PlansPlan['plans']): void {
  if (features.length === 0 || plans.length === 0) {
    throw new ConfigurationError('Plans need at least one feature and one plan')
  }
  for (const { name, caps } of plans) {
    const lacking = features.find((feature) => caps[feature.name] === undefined)
    if (lacking !== undefined)
      throw new ConfigurationError(`The plan ${name} says nothing of ${lacking.name}`)
    const unknown = Object.keys(caps).find((cap) => !features.some((feature) => feature.name === cap))
    if (unknown !== undefined)
      throw new ConfigurationError(`The plan ${name} has a cap of ${unknown}, which is no feature`)
    const fractional = features.find(
      (feature) => feature.kind !== 'costed' && !Number.isInteger(caps[feature.name] ?? 0),
    )
    if (fractional !== undefined) {
      throw new ConfigurationError(
        `The plan ${name} has a fractional cap of ${fractional.name}, which is counted in whole units`,
      )
    }
  }
}

function accountTypeOf(label: string, column: PgColumn): AccountType {
  const type = column.getSQLType()
  if (type === 'uuid') return 'uuid'
  if (type === 'text' || type.startsWith('varchar')) return 'text'
  throw new ConfigurationError(`${label}.${column.name} is ${type}: an account is a uuid or a text`)
}

function checkAccounts(column: PgColumn, type: AccountType): void {
  const { label } = relation(column.table as PgTable)
  if (accountTypeOf(label, column) !== type) {
    throw new ConfigurationError(`${label}.${column.name} is no ${type}, which the accounts are`)
  }
  if (isUnique(column.table as PgTable, column)) return
  throw new ConfigurationError(`${label} may hold several rows for one ${column.name}`, {
    hint: 'Name in `accounts` the column by which each account is there once',
  })
}

function isUnique(table: PgTable, account: PgColumn): boolean {
  const { primaryKeys, uniqueConstraints, indexes } = getTableConfig(table)
  const only = (columns: readonly unknown[]): boolean =>
    columns.length === 1 && (columns[0] as { readonly name?: string }).name === account.name
  return (
    account.primary ||
    account.isUnique ||
    primaryKeys.some(({ columns }) => only(columns)) ||
    uniqueConstraints.some(({ columns }) => only(columns)) ||
    indexes.some(({ config }) => config.unique && config.where === undefined && only(config.columns))
  )
}

function checkUnique(table: PgTable, account: PgColumn): void {
  if (isUnique(table, account)) return
  throw new ConfigurationError(
    `${relation(table).label} may hold several rows for one ${account.name}: whose plan counts?`,
    { hint: 'Declare a unique key on the column by which a subscription names its account' },
  )
}

function standingOf(
  declared: Readonly<Record<string, unknown>>,
  instantColumn: (property: string | undefined) => PgColumn | null,
): readonly StandingPlan[] {
  return Object.entries(declared).map(([status, meaning]) => {
    if (meaning === 'consumes' || meaning === 'reads')
      return { status, mode: meaning, until: null, graceDays: 0 }
    const checked = UNTIL.safeParse(meaning, DECLARED_ONCE)
    if (!checked.success) {
      throw new ConfigurationError(
        `What the status "${status}" means is malformed: ${z.prettifyError(checked.error)}`,
      )
    }
    const { until, graceDays } = checked.data
    return { status, mode: 'until', until: instantColumn(until), graceDays }
  })
}

const UNTIL = z.strictObject({ until: z.string(), graceDays: z.number().int().min(0).max(3660).default(0) })
