/** Sort orders, and the condition "after this row" that makes a page out of one. */
import { type Placeholder, sql, type SQL } from 'drizzle-orm'
import type { Field } from './field.ts'
import { invalid } from './invalid.ts'
import type { FilterFields } from './filter.ts'

export interface SortTerm {
  readonly field: Field
  readonly descending: boolean
  readonly nullsFirst: boolean
}

/** Sorting by more columns than an index can hold helps nobody. */
const TERMS_MAX = 32

/**
 * Checks the terms and appends the key columns that aren't among them, so that no two rows of a tenant are
 * equal. They run in the direction of the last term: an order of one direction can use a row comparison.
 */
export function parseSort(
  table: FilterFields & { readonly key: readonly Field[] },
  sort: unknown,
): readonly SortTerm[] {
  if (!Array.isArray(sort)) throw invalid(table.label, ['sort'], 'Expected a list of sort terms')
  if (sort.length > TERMS_MAX) throw invalid(table.label, ['sort'], `More than ${TERMS_MAX} terms`)
  const terms: SortTerm[] = []
  for (const [index, term] of sort.entries()) {
    for (const [name, direction] of entriesOf(table, term, index)) {
      const field = table.byProperty.get(name)
      const path = ['sort', index, name]
      if (field === undefined) throw invalid(table.label, path, 'No such field')
      if (!field.comparable) throw invalid(table.label, path, 'This field has no order')
      const parsed =
        typeof direction === 'string' && Object.hasOwn(DIRECTIONS, direction)
          ? DIRECTIONS[direction]
          : undefined
      if (parsed === undefined)
        throw invalid(table.label, path, `Expected one of ${Object.keys(DIRECTIONS).join(', ')}`)
      if (!terms.some((other) => other.field === field)) terms.push({ field, ...parsed })
    }
  }
  const last = terms.at(-1)
  const { descending } = last ?? { descending: false }
  for (const field of table.key) {
    if (!terms.some((term) => term.field === field)) terms.push({ field, descending, nullsFirst: descending })
  }
  return terms
}

function entriesOf(table: FilterFields, term: unknown, index: number): [string, unknown][] {
  const entries =
    typeof term === 'object' && term !== null
      ? Object.entries(term).filter(([, value]) => value !== undefined)
      : []
  if (entries.length !== 1)
    throw invalid(table.label, ['sort', index], "Expected one field, such as { createdAt: 'desc' }")
  return entries
}

const DIRECTIONS: Readonly<Record<string, Omit<SortTerm, 'field'>>> = {
  asc: { descending: false, nullsFirst: false },
  desc: { descending: true, nullsFirst: true },
  'asc nulls first': { descending: false, nullsFirst: true },
  'asc nulls last': { descending: false, nullsFirst: false },
  'desc nulls first': { descending: true, nullsFirst: true },
  'desc nulls last': { descending: true, nullsFirst: false },
}

export function describeSort(terms: readonly SortTerm[]): string {
  return terms
    .map(
      ({ field, descending, nullsFirst }) =>
        `${field.property}${descending ? '-' : '+'}${nullsFirst ? 'f' : 'l'}`,
    )
    .join(',')
}

export function renderSort(terms: readonly SortTerm[]): SQL {
  return sql.join(terms.map(renderTerm), sql`, `)
}

function renderTerm({ field, descending, nullsFirst }: SortTerm): SQL {
  const direction = descending ? sql`${field.column} desc` : sql`${field.column}`
  // PostgreSQL's own place of nulls goes without saying, and never matters where there are none.
  if (!field.nullable || nullsFirst === descending) return direction
  return sql`${direction} nulls ${nullsFirst ? sql`first` : sql`last`}`
}

/** The rows that come after the one with these values; which of them are null is part of the shape. */
export function renderKeyset(
  terms: readonly SortTerm[],
  isNull: readonly boolean[],
  placeholderOf: (term: number) => Placeholder,
): SQL {
  if (isUniform(terms)) {
    const columns = sql.join(
      terms.map(({ field }) => sql`${field.column}`),
      sql`, `,
    )
    const values = sql.join(
      terms.map((term, index) => value(term, placeholderOf(index))),
      sql`, `,
    )
    return sql`(${columns}) ${terms[0]?.descending === true ? sql`<` : sql`>`} (${values})`
  }
  const branches = terms.flatMap((term, index) => {
    const after = afterValue(term, isNull[index] === true, placeholderOf(index))
    if (after === undefined) return []
    const before = terms
      .slice(0, index)
      .map((other, position) => sameValue(other, isNull[position] === true, placeholderOf(position)))
    return [sql`(${sql.join([...before, after], sql` and `)})`]
  })
  const any = branches.length === 0 ? sql`false` : sql`(${sql.join(branches, sql` or `)})`
  const [first] = terms
  if (first === undefined || first.field.nullable) return any
  // Implied by the branches, but the only part that an index on the first column can start from.
  const bound = sql`${first.field.column} ${first.descending ? sql`<=` : sql`>=`} ${value(first, placeholderOf(0))}`
  return sql`${bound} and ${any}`
}

/** All in one direction and never null: the row comparison means the same, and one index range serves it. */
function isUniform(terms: readonly SortTerm[]): boolean {
  return terms.every(({ field, descending }) => !field.nullable && descending === terms[0]?.descending)
}

function afterValue(term: SortTerm, isNull: boolean, placeholder: Placeholder): SQL | undefined {
  const { column, nullable } = term.field
  if (isNull) return term.nullsFirst ? sql`${column} is not null` : undefined
  const beyond = sql`${column} ${term.descending ? sql`<` : sql`>`} ${value(term, placeholder)}`
  return nullable && !term.nullsFirst ? sql`(${beyond} or ${column} is null)` : beyond
}

function sameValue(term: SortTerm, isNull: boolean, placeholder: Placeholder): SQL {
  const { column } = term.field
  return isNull ? sql`${column} is null` : sql`${column} = ${value(term, placeholder)}`
}

function value({ field }: SortTerm, placeholder: Placeholder): SQL {
  return sql`${placeholder}${field.cast}`
}
