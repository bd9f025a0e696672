import { fileURLToPath } from 'node:url'
import { ConfigurationError, type DdlObject } from '@tenantry/core'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { Casing } from './drizzle.ts'
import { readObjectsSnapshot, writeKitMigration } from './drizzleKitFolder.ts'
import { nextId, writeJournal, writeMigration } from './ownFolder.ts'
import { planMigration } from './plan.ts'
import { renderMigration } from './render.ts'
import { readLastSnapshot } from './snapshot.ts'

interface GenerateBase {
  /** Of the system; stands in the file's first line. */
  readonly name: string
  readonly objects: readonly DdlObject[]
  readonly directory: URL | string
  /** What the migration is about; becomes part of the file's name. Default: `init`, later `change`. */
  readonly title?: string
  /** Compare only: write nothing. */
  readonly dryRun?: boolean
  /**
   * Write a file without statements, and a snapshot of what is declared now: for what no generated migration
   * can do, such as partitioning a table that has rows. Fill it in, then call `sealMigrations`.
   */
  readonly byHand?: boolean
}

export type GenerateOptions = GenerateBase &
  (
    | {
        readonly mode?: 'all'
        /** The exports of the module that declares the Drizzle tables. */
        readonly schema: Readonly<Record<string, unknown>>
        /** As given to Drizzle; for tables whose columns have no names. */
        readonly casing?: Casing
        readonly format?: 'tenantry'
      }
    | {
        /** The tables are another tool's, but for those that mechanisms bring. */
        readonly mode: 'objects'
        readonly moduleTables?: Readonly<Record<string, PgTable>>
        /** `drizzle-kit`: `directory` is the host's own, and `drizzle-kit migrate` applies the file. */
        readonly format?: 'tenantry' | 'drizzle-kit'
      }
  )

export interface GeneratedMigration {
  /** The file's name; null in a dry run, and when nothing has changed. */
  readonly file: string | null
  /** The file's text; null when nothing has changed. */
  readonly text: string | null
}

/**
 * Compares tables and objects with the last snapshot in `directory`, and writes the difference as the next
 * migration, with a new snapshot. Where nothing has changed, nothing is written.
 *
 * drizzle-kit asks on the terminal whether a new table or column is a renamed one; without a terminal it
 * fails instead of guessing.
 *
 * @throws ConfigurationError for what no generated migration can do, and for SQL that couldn't be applied.
 */
export async function generateMigration(options: GenerateOptions): Promise<GeneratedMigration> {
  const folder = folderPath(options.directory)
  const inKitFolder = options.mode === 'objects' && options.format === 'drizzle-kit'
  const last = inKitFolder ? readObjectsSnapshot(folder) : (readLastSnapshot(folder)?.snapshot ?? null)
  const plan = await planMigration(
    options.mode === 'objects'
      ? { objects: options.objects, moduleTables: options.moduleTables ?? {}, byHand: options.byHand }
      : {
          objects: options.objects,
          schema: options.schema,
          casing: options.casing,
          byHand: options.byHand,
        },
    last,
  )
  if (plan.statements.length === 0 && options.byHand !== true) return { file: null, text: null }
  const title = fileTitle(options.title ?? (last === null ? (inKitFolder ? options.name : 'init') : 'change'))
  const text = renderMigration(`${options.name}: ${title.replaceAll('_', ' ')}`, plan)
  if (options.dryRun === true) return { file: null, text }
  const migration = { title, text, snapshot: plan.snapshot }
  const file = inKitFolder
    ? writeKitMigration(folder, migration)
    : writeMigration(folder, { ...migration, id: nextId(folder) })
  return { file, text }
}

/**
 * Notes the files of a folder as they are now: after a generated one was edited in review, or one was
 * written by hand. A file that any database has been migrated with must not change, noted or not.
 */
export function sealMigrations(directory: URL | string): void {
  writeJournal(folderPath(directory))
}

function folderPath(directory: URL | string): string {
  return typeof directory === 'string' ? directory : fileURLToPath(directory)
}

function fileTitle(title: string): string {
  const words = title.toLowerCase().match(/[a-z0-9]+/g)
  if (words === null) throw new ConfigurationError(`The title "${title}" has no letter or digit`)
  return words.join('_')
}
