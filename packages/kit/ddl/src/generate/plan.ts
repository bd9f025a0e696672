import { DDL_KINDS, ConfigurationError, type DdlKind, type DdlObject } from '@tenantry/core'
import type { DeclaredObject } from '../declared.ts'
import { amendStatements } from './amend.ts'
import { diffObjects } from './diff.ts'
import { alteredTables, diffDrizzle, losesData, type Casing } from './drizzle.ts'
import { seeingAllRows } from './foreignKeys.ts'
import { lintStatement } from './lint.ts'
import { pauseOfOwner } from '../objects/asOwner.ts'
import { orderObjects, storeObjects, type Snapshot, type StoredObjects } from './snapshot.ts'

/** One statement of a migration, with a line for its reader. */
export interface PlannedStatement {
  readonly text: string
  /** Comments above it; empty where the statement above belongs to the same object. */
  readonly comments: readonly string[]
}

export interface Plan {
  readonly statements: readonly PlannedStatement[]
  /** Extensions that everything declared needs. */
  readonly extensions: readonly string[]
  readonly snapshot: Snapshot
}

export interface Declaration {
  readonly objects: readonly DdlObject[]
  /** Drizzle's exports; absent where another tool owns the tables. */
  readonly schema?: Readonly<Record<string, unknown>>
  /** Where another tool owns the tables: those that are ours all the same. */
  readonly moduleTables?: Readonly<Record<string, unknown>>
  readonly casing?: Casing | undefined
  /** Take the declaration as reached by statements that somebody else writes. */
  readonly byHand?: boolean | undefined
}

const BEFORE_TABLES: ReadonlySet<DdlKind> = new Set(DDL_KINDS.slice(0, DDL_KINDS.indexOf('table')))

/** Compares what is declared with the last snapshot. Writes nothing. */
export async function planMigration(declaration: Declaration, last: Snapshot | null): Promise<Plan> {
  const objects = orderObjects(declaration.objects)
  const previous = last?.objects ?? {}
  const { schema, moduleTables = {} } = declaration
  if (schema === undefined) refuseAmendments(objects)
  // A snapshot keeps tables that are gone, so that they are dropped.
  const none = Object.keys(moduleTables).length === 0 && (last?.drizzle ?? null) === null
  const drizzle =
    schema === undefined && none
      ? null
      : diffDrizzle(schema ?? moduleTables, last?.drizzle ?? null, declaration.casing)
  const rest = {
    extensions: objects.filter((object) => object.kind === 'extension').map(extensionName),
    snapshot: { version: 1, drizzle: drizzle?.snapshot ?? null, objects: storeObjects(objects) },
  } as const
  if (declaration.byHand === true) return { statements: [], ...rest }
  const tables = drizzle === null ? [] : await amendStatements(drizzle, objects, previous)
  const { drops, creates } = diffObjects(objects, previous, alteredTables(tables))

  const isSchema = (text: string): boolean => text.startsWith('CREATE SCHEMA ')
  const statements = [
    ...drops.flatMap(({ id, statements: texts }) => commented(`drop ${id}`, texts)),
    ...tables.filter(isSchema).map(tableStatement),
    ...creates.filter((object) => BEFORE_TABLES.has(object.kind)).flatMap(objectStatements),
    ...seeingAllRows(
      tables.filter((text) => !isSchema(text)).map(tableStatement),
      stillForced(objects, previous),
    ),
    ...creates.filter((object) => !BEFORE_TABLES.has(object.kind)).flatMap(objectStatements),
  ]
  for (const { text } of statements) lintStatement(text)
  return { statements: withoutPauses(statements), ...rest }
}

/** What one owner makes is made in one go: a reader has enough to review without the role going back and forth. */
function withoutPauses(statements: readonly PlannedStatement[]): readonly PlannedStatement[] {
  const texts = statements.map(({ text }) => text)
  const kept: PlannedStatement[] = []
  let comments: readonly string[] = []
  for (let index = 0; index < statements.length; index++) {
    const pause = pauseOfOwner(texts, index)
    if (pause > 0) {
      // The comment of the object that follows stands above its lending.
      comments = statements.slice(index, index + pause).flatMap((statement) => statement.comments)
      index += pause - 1
      continue
    }
    const statement = statements[index]
    if (statement !== undefined) kept.push({ ...statement, comments: [...comments, ...statement.comments] })
    comments = []
  }
  return kept
}

/** Tables whose row security is forced before and after. */
function stillForced(objects: readonly DeclaredObject[], previous: StoredObjects): ReadonlySet<string> {
  return new Set(
    objects.flatMap(({ id, kind, on }) =>
      kind === 'row-security' && on !== undefined && previous[id] !== undefined ? [on] : [],
    ),
  )
}

function refuseAmendments(objects: readonly DeclaredObject[]): void {
  const amending = objects.find((object) => object.amend !== undefined)
  if (amending === undefined) return
  throw new ConfigurationError(`"${amending.id}" changes a statement that another tool writes`, {
    hint: "It needs the tables to be generated here too: leave out mode 'objects', or write that part by hand",
  })
}

function objectStatements(object: DeclaredObject): readonly PlannedStatement[] {
  return commented(object.id, object.create)
}

function commented(comment: string, texts: readonly string[]): readonly PlannedStatement[] {
  return texts.map((text, index) => ({ text, comments: index === 0 ? [comment] : [] }))
}

function tableStatement(text: string): PlannedStatement {
  return { text, comments: losesData(text) ? ['REVIEW: this removes or rewrites data'] : [] }
}

/** The builder says it; an object made elsewhere says it in its id. */
function extensionName(object: DeclaredObject): string {
  return 'name' in object && typeof object.name === 'string'
    ? object.name
    : object.id.replace(/^extension /, '')
}
