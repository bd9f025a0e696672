/** Attempts to read: straight from tables, and through views and functions. */
import type { Connection } from '@tenantry/core'
import { quoteIdentifier } from '@tenantry/ddl'
import type { ClassifiedTable } from '@tenantry/rls'
import type { Callable, Relation } from './isolation-catalog.ts'
import { type Context, enter, type KnownTenant, tenantValue } from './isolation-contexts.ts'
import type { Truth } from './isolation-truth.ts'
import { undone } from './undone.ts'

/** Runs a query in a context; null when it was refused. */
async function rowsAs(
  connection: Connection,
  context: Context,
  text: string,
  params: readonly unknown[] = [],
): Promise<readonly unknown[] | null> {
  try {
    return await undone(connection, async (part) => {
      await part.query(enter(context))
      return (await part.query({ text, params })).rows.map((row) => row[0])
    })
  } catch {
    // Any refusal will do here: no row came back.
    return null
  }
}

function everything(relation: Relation): string | null {
  const columns = relation.columns.filter((column) => column.select)
  if (columns.length === 0) return null
  const list = columns.map(({ name }) => quoteIdentifier(name)).join(', ')
  return `select pg_catalog.to_jsonb(t) from (select ${list} from ${relation.sql}) as t`
}

/** Rows of a tenant table that the context sees and that aren't its own. */
export async function foreignRows(
  connection: Connection,
  context: Context,
  relation: Relation,
  classified: ClassifiedTable,
): Promise<number> {
  const column = classified.tenantColumn?.name
  const query = everything(relation)
  if (column === undefined || query === null) return 0
  const rows = (await rowsAs(connection, context, query)) ?? []
  const own = classified.of === 'user' ? context.user : context.tenant
  const shared = context.identified ? classified.shared : null
  return rows.filter((row) => {
    const tenant: unknown = Object(row)[column]
    return tenant === null || (tenant !== own && tenant !== shared)
  }).length
}

/** Rows of a relation that no context may see any of; null when it was refused altogether. */
export async function anyRows(
  connection: Connection,
  context: Context,
  relation: Relation,
): Promise<number | null> {
  const query = everything(relation) ?? `select 1 from ${relation.sql}`
  return (await rowsAs(connection, context, query))?.length ?? null
}

/** A question to a view or function. */
export interface Question {
  readonly label: string
  readonly text: string
  readonly params: readonly unknown[]
}

/** Calls of one function at most: enough for two candidates in each of four arguments. */
const CALLS_MAX = 16

export function questionsOf(
  relations: readonly Relation[],
  callables: readonly Callable[],
  truth: Truth,
): readonly Question[] {
  const views = relations.flatMap((relation) => {
    const text = everything(relation)
    return relation.kind === 'table' || text === null ? [] : [{ label: relation.label, text, params: [] }]
  })
  return [...views, ...callables.flatMap((callable) => calls(callable, truth))]
}

function calls({ label, sql, argumentTypes }: Callable, truth: Truth): readonly Question[] {
  const combinations = argumentTypes.reduce<readonly (readonly unknown[])[]>(
    (done, type) =>
      done
        .flatMap((values) => candidates(type, truth).map((value) => [...values, value]))
        .slice(0, CALLS_MAX),
    [[]],
  )
  const placeholders = argumentTypes.map((type, index) => `$${index + 1}::${type}`).join(', ')
  return combinations.map((params) => ({
    label,
    text: `select pg_catalog.to_jsonb(f) from ${sql}(${placeholders}) as f`,
    params,
  }))
}

/** Arguments that would make a careless function answer: values of the other tenant's rows, and wide ones. */
function candidates(type: string, truth: Truth): readonly unknown[] {
  const wide: Readonly<Record<string, readonly unknown[]>> = {
    text: ['%'],
    integer: [1000],
    bigint: [1000],
    boolean: [true],
    jsonb: ['{}'],
    'timestamp with time zone': ['2000-01-01T00:00:00Z'],
  }
  const found = truth.samples.get(type.replace(/\(.*\)/, ''))?.slice(0, 2) ?? []
  const values = [...found, ...(wide[type] ?? [])]
  return values.length === 0 ? [null] : values
}

/** The answer as one text; null when the question was refused. */
export async function answerTo(
  connection: Connection,
  context: Context,
  question: Question,
): Promise<string | null> {
  const rows = await rowsAs(connection, context, question.text, question.params)
  return rows === null ? null : JSON.stringify(rows.map((row) => JSON.stringify(row)).toSorted())
}

/** Whether an answer holds a value that occurs in rows of a tenant whose rows the context may not see. */
export function tells(
  answer: string,
  context: Context,
  tenants: readonly KnownTenant[],
  truth: Truth,
): boolean {
  return tenants.some((tenant) => {
    const own = context.tenant === tenantValue(tenant, 'tenant') || context.user === tenant.user
    return !own && (truth.secrets.get(tenant) ?? []).some((secret) => answer.includes(secret))
  })
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/**
 * Whether the answer only says back what was asked: with values that nobody has it is the same but for them. A
 * function that tells an id which exists from one that doesn't is none of these.
 */
export async function echoes(
  connection: Connection,
  context: Context,
  question: Question,
  answer: string,
): Promise<boolean> {
  const strangers = question.params.map((value) => {
    if (typeof value !== 'string' || !answer.includes(value)) return value
    return UUID.test(value) ? crypto.randomUUID() : `nobody ${crypto.randomUUID()}`
  })
  const expected = question.params.reduce<string>(
    (text, value, index) =>
      typeof value === 'string' && value !== '' ? text.replaceAll(value, String(strangers[index])) : text,
    answer,
  )
  return (
    expected !== answer &&
    expected === (await answerTo(connection, context, { ...question, params: strangers }))
  )
}
