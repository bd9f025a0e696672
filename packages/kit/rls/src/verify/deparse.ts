import type { Connection } from '@tenantry/core'
import {
  dollarQuote,
  type FunctionObject,
  type PolicyObject,
  qualify,
  quoteIdentifier,
  quoteLiteral,
  relation,
  type TriggerObject,
} from '@tenantry/ddl'
import type { Declared } from './declared.ts'
import { type LiveColumn, readColumns } from './queries/columns.ts'
import { type LiveFunction, readFunctions } from './queries/functions.ts'
import { type LivePolicy, readPolicies } from './queries/policies.ts'
import { rowsOf } from './queries/rows.ts'
import { type LiveTrigger, readTriggers } from './queries/triggers.ts'
import { undone } from './undone.ts'

/** The declarations as the server writes them, by the declared object's id. */
export interface Deparsed {
  readonly policies: ReadonlyMap<string, LivePolicy>
  readonly triggers: ReadonlyMap<string, LiveTrigger>
  readonly functions: ReadonlyMap<string, LiveFunction>
  /** What the server refused to make, and its reason. */
  readonly refused: ReadonlyMap<string, string>
}

/** With nothing else in it, names are written with their schemas. */
export const READING_PATH = 'set local search_path = pg_catalog, pg_temp'

/**
 * Has the server make the declared policies, triggers and functions on temporary tables of the same names
 * and columns, and reads them back from the catalog: only so can two texts of an expression be compared.
 * All of it is undone; the real tables are locked no more than by reading their columns.
 */
export async function deparse(
  connection: Connection,
  declared: Declared,
  searchPath: string,
): Promise<Deparsed> {
  const columns = await readColumns(connection, [...declared.covered])
  const parts: Deparsed[] = []
  // Two schemas may each have a table of one name, and there is one schema for temporary ones.
  for (const [index, schema] of declared.schemas.entries()) {
    const within = (object: { readonly on: string }): boolean => object.on.startsWith(`${schema}.`)
    parts.push(
      await undone(connection, (part) =>
        deparsePart(part, searchPath, {
          columns: columns.filter((column) => column.schema === schema),
          policies: declared.policies.filter(within),
          triggers: declared.triggers.filter(within),
          functions: index === 0 ? declared.functions : [],
        }),
      ),
    )
  }
  const merged = <K extends keyof Deparsed>(key: K) =>
    parts.flatMap((part) => [...part[key]] as [string, never][])
  return {
    policies: new Map(merged('policies')),
    triggers: new Map(merged('triggers')),
    functions: new Map(merged('functions')),
    refused: new Map(merged('refused')),
  }
}

interface Part {
  readonly columns: readonly LiveColumn[]
  readonly policies: readonly PolicyObject[]
  readonly triggers: readonly TriggerObject[]
  readonly functions: readonly FunctionObject[]
}

async function deparsePart(connection: Connection, searchPath: string, part: Part): Promise<Deparsed> {
  const tables = new Map<string, LiveColumn[]>()
  for (const column of part.columns) tables.set(column.table, [...(tables.get(column.table) ?? []), column])
  const has = (object: { readonly on: string }): boolean =>
    tables.has(object.on.slice(object.on.indexOf('.') + 1))
  const policies = part.policies.filter(has)
  const triggers = part.triggers.filter(has)
  await connection.script(
    [
      `create temporary table tenantry_refused (id text not null, reason text not null) on commit drop`,
      ...[...tables].map(([table, columns]) => {
        const list = columns.map(({ name, type }) => `${quoteIdentifier(name)} ${type}`).join(', ')
        return `create temporary table ${quoteIdentifier(table)} (${list}) on commit drop`
      }),
      // What is declared was written for the path of the role that migrates; our tables must not hide its.
      `select pg_catalog.set_config('search_path', ${quoteLiteral(searchPath === '' ? 'pg_temp' : `${searchPath}, pg_temp`)}, true)`,
      'set local check_function_bodies = off',
      ...policies.map((object) => attempt(object.id, moved(object.create, object.on))),
      ...triggers.map((object) => attempt(object.id, moved(madeBy(object), object.on))),
      ...part.functions.map((object, index) => attempt(object.id, [functionText(object, index)])),
      READING_PATH,
    ].join(';\n'),
  )
  const [temporary] = await rowsOf<{ readonly name: string }>(
    connection,
    `select nspname::text as name from pg_catalog.pg_namespace where oid = pg_catalog.pg_my_temp_schema()`,
    [],
  )
  const schemas = [temporary?.name ?? '']
  const made = {
    policies: await readPolicies(connection, schemas),
    triggers: await readTriggers(connection, schemas),
    functions: (await readFunctions(connection, schemas)).filter(({ schema }) => schemas.includes(schema)),
  }
  const refused = await rowsOf<{ readonly id: string; readonly reason: string }>(
    connection,
    'select id, reason from pg_temp.tenantry_refused',
    [],
  )
  const onTable = <T extends { readonly table: string; readonly name: string }>(
    found: readonly T[],
    objects: readonly { readonly id: string; readonly on: string; readonly name: string }[],
  ): ReadonlyMap<string, T> =>
    new Map(
      objects.flatMap(({ id, on, name }) => {
        const match = found.find((row) => on.endsWith(`.${row.table}`) && row.name === name)
        return match === undefined ? [] : [[id, match] as const]
      }),
    )
  return {
    policies: onTable(made.policies, policies),
    triggers: onTable(made.triggers, triggers),
    functions: new Map(
      part.functions.flatMap((object, index) => {
        const match = made.functions.find((row) => row.name === temporaryName(index))
        return match === undefined ? [] : [[object.id, match] as const]
      }),
    ),
    refused: new Map(refused.map(({ id, reason }) => [id, reason])),
  }
}

/**
 * One that is refused, because a role or function that it needs is missing, must not spoil the others. RESET ROLE would
 * lead to the login's role, which need not be the one that the caller has taken.
 */
function attempt(id: string, statements: readonly string[]): string {
  const body = [
    'declare',
    '  caller constant text := current_user;',
    'begin',
    ...statements.map((text) =>
      text === 'reset role'
        ? `  perform pg_catalog.set_config('role', caller, true);`
        : `  execute ${quoteLiteral(text)};`,
    ),
    'exception when others then',
    `  insert into pg_temp.tenantry_refused values (${quoteLiteral(id)}, sqlerrm);`,
    'end',
  ].join('\n')
  return `do ${dollarQuote(body, 'attempt')}`
}

/** What makes a trigger, apart from how it is enabled. */
const madeBy = ({ create }: TriggerObject): readonly string[] =>
  create.filter((text) => !text.startsWith('alter table'))

/** The statements, on the temporary table of the same name. */
function moved(statements: readonly string[], on: string): readonly string[] {
  const dot = on.indexOf('.')
  const target = relation({ schema: on.slice(0, dot), name: on.slice(dot + 1) })
  return statements.map((text) =>
    text.replace(` on ${target.sql}`, ` on pg_temp.${quoteIdentifier(target.name)}`),
  )
}

const temporaryName = (index: number): string => `declared_${index}`

function functionText(object: FunctionObject, index: number): string {
  const opening = `create or replace function ${qualify(object.schema, object.name)}(`
  const text = object.create.find((statement) => statement.startsWith(opening)) ?? ''
  return text.replace(opening, `create function pg_temp.${quoteIdentifier(temporaryName(index))}(`)
}
