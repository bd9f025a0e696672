import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MigrationError } from '@tenantry/core'
import { compareIds, parseMigration, type Migration } from './migration.ts'

/** What the generator notes about each file, in `meta/journal.json`. */
export interface JournalEntry {
  readonly id: string
  readonly file: string
  readonly sha256: string
}

export interface Journal {
  readonly version: 1
  readonly migrations: readonly JournalEntry[]
}

/**
 * Reads a folder of migrations, in order. Throws MigrationError, naming the file, for two files with one
 * number and, where the folder has a journal, for a file that is missing, unknown to it, or not as noted.
 */
export function readMigrations(directory: URL | string): readonly Migration[] {
  const folder = typeof directory === 'string' ? directory : fileURLToPath(directory)
  if (!existsSync(folder)) {
    throw new MigrationError(`There is no folder of migrations at ${folder}`)
  }
  const migrations = readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => parseMigration(file, readFileSync(join(folder, file), 'utf8')))
    .toSorted(compareIds)
  migrations.forEach((migration, index) => {
    const before = migrations[index - 1]
    if (before !== undefined && compareIds(before, migration) === 0) {
      throw new MigrationError(`${before.name}.sql and ${migration.name}.sql have the same number`, {
        hint: 'Two branches added a migration each: generate the later one again',
      })
    }
  })
  const journal = readJournal(folder)
  if (journal !== undefined) compareWithJournal(migrations, journal)
  return migrations
}

export function readJournal(folder: string): Journal | undefined {
  const file = join(folder, 'meta', 'journal.json')
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Journal) : undefined
}

function compareWithJournal(migrations: readonly Migration[], journal: Journal): void {
  const noted = new Map(journal.migrations.map((entry) => [entry.file, entry]))
  for (const migration of migrations) {
    const file = `${migration.name}.sql`
    const entry = noted.get(file)
    noted.delete(file)
    if (entry?.sha256 === migration.hash) continue
    throw new MigrationError(
      entry === undefined
        ? `${file} is not in meta/journal.json`
        : `${file} was edited after it was generated`,
      {
        hint: 'Before its release: note the change with sealMigrations(). After it: add a new migration instead',
      },
    )
  }
  for (const file of noted.keys()) {
    throw new MigrationError(`${file} is in meta/journal.json, but the file is missing`)
  }
}
