/** A folder of migrations for this package's runner. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { compareIds, parseMigration } from '../runner/migration.ts'
import type { Journal } from '../runner/readMigrations.ts'
import type { Snapshot } from './snapshot.ts'

const ID_DIGITS = 4

/** The number after the last file's, or `0000`. */
export function nextId(folder: string): string {
  const last = migrationFiles(folder).at(-1)
  return String(last === undefined ? 0 : Number(last.id) + 1).padStart(ID_DIGITS, '0')
}

export function writeMigration(
  folder: string,
  migration: {
    readonly id: string
    readonly title: string
    readonly text: string
    readonly snapshot: Snapshot
  },
): string {
  const file = `${migration.id}_${migration.title}.sql`
  mkdirSync(join(folder, 'meta'), { recursive: true })
  writeFileSync(join(folder, file), migration.text)
  writeJson(join(folder, 'meta', `${migration.id}_snapshot.json`), migration.snapshot)
  writeJournal(folder)
  return file
}

/** Notes every file as it is now. */
export function writeJournal(folder: string): void {
  const journal: Journal = {
    version: 1,
    migrations: migrationFiles(folder).map(({ id, name, hash }) => ({
      id,
      file: `${name}.sql`,
      sha256: hash,
    })),
  }
  writeJson(join(folder, 'meta', 'journal.json'), journal)
}

export function writeJson(file: string, value: unknown): void {
  writeFileSync(file, `${JSON.stringify(value, null, 2)}\n`)
}

function migrationFiles(folder: string) {
  mkdirSync(folder, { recursive: true })
  return readdirSync(folder)
    .filter((file) => file.endsWith('.sql'))
    .map((file) => parseMigration(file, readFileSync(join(folder, file), 'utf8')))
    .toSorted(compareIds)
}
