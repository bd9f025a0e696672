/** What a column of ages holds, and how it is compared with a cut-off so that an ordinary index serves. */
import { ConfigurationError } from '@tenantry/core'
import { quoteIdentifier, type Relation } from '@tenantry/ddl'
import type { PgColumn } from 'drizzle-orm/pg-core'

export type AgeKind =
  | 'timestamptz'
  | 'timestamp'
  | 'date'
  | 'iso-text'
  | 'epoch-seconds'
  | 'epoch-milliseconds'

/** A length of time, as `make_interval` takes it. */
export interface Span {
  readonly months: number
  readonly days: number
  readonly hours: number
}

export interface Age {
  readonly column: PgColumn
  readonly kind: AgeKind
  readonly span: Span
}

const NUMBERS = /^(smallint|integer|bigint|serial|bigserial|double precision|real|numeric)/

export function ageKind(target: Relation, column: PgColumn, said: AgeKind | undefined): AgeKind {
  const type = column.getSQLType()
  const known = /^timestamp.* with time zone$/.test(type)
    ? 'timestamptz'
    : type.startsWith('timestamp')
      ? 'timestamp'
      : type === 'date'
        ? 'date'
        : undefined
  const fits =
    said === undefined
      ? known !== undefined
      : said === 'iso-text'
        ? /^(text|varchar|char)/.test(type)
        : NUMBERS.test(type)
  if (fits) return said ?? known ?? 'timestamptz'
  throw new ConfigurationError(
    said === undefined
      ? `${target.label}.${column.name} is ${type}: what age it holds must be said`
      : `${target.label}.${column.name} is ${type}, which can't hold ${said}`,
    { hint: "Set `kind`: 'iso-text' for text, 'epoch-seconds' or 'epoch-milliseconds' for numbers" },
  )
}

/** In SQL. */
export function spanText({ months, days, hours }: Span): string {
  return `pg_catalog.make_interval(months => ${months}, days => ${days}, hours => ${hours})`
}

/** For people. */
export function describeSpan({ months, days, hours }: Span): string {
  return months > 0
    ? months % 12 === 0
      ? `${months / 12} years`
      : `${months} months`
    : days > 0
      ? `${days} days`
      : `${hours} hours`
}

/** In days, as a calendar's months are long on average: to compare one with another. */
export const spanDays = ({ months, days, hours }: Span): number => months * (365.25 / 12) + days + hours / 24

const column = (relation: Relation, of: PgColumn): string =>
  `${quoteIdentifier(relation.name)}.${quoteIdentifier(of.name)}`

/**
 * `"drafts"."created_at" < $1::timestamptz`. The column stands by itself wherever it can. Text is read only where
 * it begins as ISO 8601 does: PostgreSQL would take `now` and `infinity` for times as well.
 */
export function olderThan(target: Relation, { column: of, kind }: Omit<Age, 'span'>, cutoff: string): string {
  const name = column(target, of)
  const epoch = (factor: string): string => {
    const value = `pg_catalog.floor(extract(epoch from ${cutoff}) * ${factor})`
    return /^(smallint|integer|bigint|serial|bigserial)/.test(of.getSQLType())
      ? `${value}::bigint`
      : `${value}::${of.getSQLType().replace(/\(.*/, '')}`
  }
  switch (kind) {
    case 'timestamptz':
      return `${name} < ${cutoff}`
    case 'timestamp':
      return `${name} < (${cutoff} at time zone 'UTC')`
    case 'date':
      return `${name} < (${cutoff} at time zone 'UTC')::date`
    case 'epoch-seconds':
      return `${name} < ${epoch('1')}`
    case 'epoch-milliseconds':
      return `${name} < ${epoch('1000')}`
    case 'iso-text':
      return `${readText(name)} < ${cutoff}`
  }
}

/** As timestamptz; null where it can't be read. */
export function instantOf(target: Relation, { column: of, kind }: Omit<Age, 'span'>): string {
  const name = column(target, of)
  switch (kind) {
    case 'timestamptz':
      return name
    case 'timestamp':
    case 'date':
      return `(${name}::timestamp at time zone 'UTC')`
    case 'epoch-seconds':
      return `pg_catalog.to_timestamp(${name}::double precision)`
    case 'epoch-milliseconds':
      return `pg_catalog.to_timestamp(${name}::double precision / 1000)`
    case 'iso-text':
      return readText(name)
  }
}

function readText(name: string): string {
  return `case when ${name} ~ '^\\d{4}-\\d{2}-\\d{2}' and pg_catalog.pg_input_is_valid(${name}, 'timestamptz') then ${name}::timestamptz end`
}
