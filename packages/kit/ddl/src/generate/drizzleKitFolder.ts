/** A host's drizzle-kit folder (version 7 of its format), written as `drizzle-kit generate --custom` would. */
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { ConfigurationError } from '@tenantry/core'
import { writeJson } from './ownFolder.ts'
import type { Snapshot } from './snapshot.ts'

interface KitEntry {
  readonly idx: number
  readonly version: string
  readonly when: number
  readonly tag: string
  readonly breakpoints: boolean
}

interface KitJournal {
  readonly version: string
  readonly dialect: string
  readonly entries: readonly KitEntry[]
}

/** Our own snapshot. Not in `meta`: drizzle-kit takes every file there for one of its own. */
const OBJECTS_FILE = 'tenantry.json'

export function readObjectsSnapshot(folder: string): Snapshot | null {
  const file = join(folder, OBJECTS_FILE)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Snapshot) : null
}

/** Adds a migration after the last one and answers its file name. */
export function writeKitMigration(
  folder: string,
  migration: { readonly title: string; readonly text: string; readonly snapshot: Snapshot },
): string {
  const journal = readKitJournal(folder)
  const last = journal.entries.at(-1)
  if (last === undefined) {
    throw new ConfigurationError(`${folder} has no migration yet`, {
      hint: 'Run drizzle-kit generate first, so that the tables come before what is added to them',
    })
  }
  const prefix = nextPrefix(last)
  const tag = `${prefix}_${migration.title}`
  // drizzle-orm's migrate() skips a migration that isn't later than the last applied one.
  const when = Math.max(Date.now(), last.when + 1)
  const snapshot = lastKitSnapshot(folder, last)
  writeFileSync(join(folder, `${tag}.sql`), migration.text)
  writeJson(join(folder, 'meta', `${prefix}_snapshot.json`), {
    ...snapshot,
    id: randomUUID(),
    prevId: snapshot.id,
  })
  const entry: KitEntry = { idx: last.idx + 1, version: last.version, when, tag, breakpoints: true }
  writeJson(join(folder, 'meta', '_journal.json'), { ...journal, entries: [...journal.entries, entry] })
  writeJson(join(folder, OBJECTS_FILE), migration.snapshot)
  return `${tag}.sql`
}

function readKitJournal(folder: string): KitJournal {
  const file = join(folder, 'meta', '_journal.json')
  if (!existsSync(file)) {
    throw new ConfigurationError(`${folder} is not a folder of drizzle-kit: it has no meta/_journal.json`, {
      hint: 'Give the "out" folder of your drizzle.config.ts, and run drizzle-kit generate first',
    })
  }
  const journal = JSON.parse(readFileSync(file, 'utf8')) as KitJournal
  if (journal.dialect !== 'postgresql') {
    throw new ConfigurationError(`${folder} holds migrations for ${journal.dialect}`)
  }
  return journal
}

function lastKitSnapshot(folder: string, last: KitEntry): { readonly id: string } {
  const file = join(folder, 'meta', `${prefixOf(last.tag)}_snapshot.json`)
  if (!existsSync(file)) throw new ConfigurationError(`${folder} lacks the snapshot of ${last.tag}`)
  return JSON.parse(readFileSync(file, 'utf8')) as { readonly id: string }
}

function prefixOf(tag: string): string {
  return tag.split('_', 1)[0] ?? ''
}

/** Goes on in the style of the last file: `index` (0001) or `timestamp`/`supabase` (20261120093000). */
function nextPrefix(last: KitEntry): string {
  const prefix = prefixOf(last.tag)
  if (/^\d{4}$/.test(prefix)) return String(last.idx + 1).padStart(prefix.length, '0')
  if (/^\d{14}$/.test(prefix)) {
    const now = new Date().toISOString().replaceAll(/\D/g, '').slice(0, prefix.length)
    return now > prefix ? now : String(BigInt(prefix) + 1n)
  }
  throw new ConfigurationError(`The migration ${last.tag} is named in a style that isn't known here`, {
    hint: 'Known are the prefixes "index", "timestamp" and "supabase" of drizzle.config.ts',
  })
}
