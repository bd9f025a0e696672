/** Drizzle's own diff. `drizzle-kit` is loaded when it is needed: no running application needs it. */
import { createRequire } from 'node:module'
import { ConfigurationError } from '@tenantry/core'
import { foreignKeysLast, tableLabel } from './foreignKeys.ts'

/** drizzle-kit's snapshot format; opaque here. */
export interface DrizzleSnapshot {
  readonly id: string
  readonly prevId: string
  readonly tables: Readonly<Record<string, unknown>>
}

export type Casing = 'snake_case' | 'camelCase'

interface DrizzleKit {
  generateDrizzleJson(
    imports: Record<string, unknown>,
    prevId?: string,
    schemaFilters?: string[],
    casing?: Casing,
  ): DrizzleSnapshot
  generateMigration(previous: DrizzleSnapshot, current: DrizzleSnapshot): Promise<string[]>
}

export interface DrizzleDiff {
  readonly snapshot: DrizzleSnapshot
  /**
   * What has changed, without closing semicolons. Foreign keys come last: what they refer to may be made by a
   * later statement.
   */
  changes(): Promise<readonly string[]>
  /** The statements that would make everything declared from nothing. */
  fromNothing(): Promise<readonly string[]>
}

export function diffDrizzle(
  schema: Readonly<Record<string, unknown>>,
  previous: DrizzleSnapshot | null,
  casing: Casing | undefined,
): DrizzleDiff {
  const kit = loadDrizzleKit()
  const empty = kit.generateDrizzleJson({})
  const before = previous ?? empty
  const snapshot = kit.generateDrizzleJson({ ...schema }, before.id, undefined, casing)
  const statements = async (from: DrizzleSnapshot) =>
    (await kit.generateMigration(from, snapshot).catch(explainPrompt)).map(tidy)
  return {
    snapshot,
    changes: async () => foreignKeysLast(await statements(before)),
    fromNothing: () => statements(empty),
  }
}

function loadDrizzleKit(): DrizzleKit {
  try {
    // Its ESM build loads its CommonJS one's dependencies by a shim that not every bundler keeps.
    return createRequire(import.meta.url)('drizzle-kit/api') as DrizzleKit
  } catch (cause) {
    throw new ConfigurationError('Generating migrations needs drizzle-kit', {
      cause,
      hint: 'Add drizzle-kit to your development dependencies',
    })
  }
}

function explainPrompt(cause: unknown): never {
  if (!String(cause).includes('TTY')) throw cause
  throw new ConfigurationError(
    'drizzle-kit has to ask whether something was renamed, and there is no terminal',
    {
      cause,
      hint: 'Run this in a terminal; or, if nothing was renamed, drop and add in two migrations',
    },
  )
}

function tidy(statement: string): string {
  const text = statement.trim().replace(/;$/, '')
  // The runner, or a mechanism, may have made the schema already.
  return text.replace(/^CREATE SCHEMA "/, 'CREATE SCHEMA IF NOT EXISTS "')
}

const LOSES_DATA =
  /^(DROP TABLE|DROP SCHEMA|DROP MATERIALIZED VIEW|DROP SEQUENCE)|^ALTER TABLE .+ (DROP COLUMN|SET DATA TYPE) /

/** Whether a reviewer must look twice: the statement removes rows or rewrites values. */
export function losesData(statement: string): boolean {
  return LOSES_DATA.test(statement)
}

const ALTERED =
  /^(?:ALTER TABLE (.+?) (?:DROP COLUMN|ALTER COLUMN .+ SET DATA TYPE)|DROP TABLE (.+?)(?: CASCADE)?$)/

/**
 * Tables of which a column goes or changes its type, as `schema.name`: PostgreSQL refuses that while a
 * policy, view or trigger depends on the column.
 */
export function alteredTables(statements: readonly string[]): ReadonlySet<string> {
  return new Set(
    statements.flatMap((statement) => {
      const [, altered, dropped] = ALTERED.exec(statement) ?? []
      const name = altered ?? dropped
      return name === undefined ? [] : [tableLabel(name)]
    }),
  )
}
