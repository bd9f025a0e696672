/** Housekeeping between the table of files and the store that holds their objects. */
import { ConfigurationError, type Executor, type ObjectStore } from '@tenantry/core'
import { parseInput } from '@tenantry/repository'
import { z } from 'zod'
import { files } from '../schema/index.ts'
import { type FileRow, missingRows, now, removeRows, unknownKeys, usersWithFiles } from './statements.ts'

export const orphanOptions = z.strictObject({
  /** Younger rows and objects are left alone: one of the two may still be on its way. Default 24. */
  graceHours: z.number().int().min(1).max(8760).default(24),
  /**
   * Refuse to remove more than this share of the objects or rows that were looked at (0..1): a wrong bucket or an
   * empty database looks as if everything were an orphan. Twenty are always allowed. Default 0.5.
   */
  shareMax: z.number().min(0).max(1).default(0.5),
  /** Count, and remove nothing. */
  dryRun: z.boolean().default(false),
})

export type OrphanOptions = z.input<typeof orphanOptions>

export interface Removed {
  readonly checked: number
  /** In a dry run: what would be. */
  readonly removed: number
}

export interface Orphans {
  readonly objects: Removed & {
    /** Objects whose key isn't `{user}/{project}/{file}`: whose they are isn't known, so they stay. */
    readonly foreign: number
  }
  readonly rows: Removed
}

/** Keys of one question to the database, and of one call to the store: what S3 deletes at once. */
const BATCH = 1000
const FEW = 20

/**
 * Removes what is only half there, both ways. The age of a row is by the database's clock, that of an object by the
 * store's. What is removed was looked up again just before. Nothing is removed when either side would lose too large
 * a share. May be stopped at any moment and run again.
 *
 * @throws ValidationError for wrong options, ConfigurationError for a share that is too large.
 */
export async function removeOrphans(
  executor: Executor,
  store: ObjectStore,
  options: OrphanOptions = {},
): Promise<Orphans> {
  const { graceHours, shareMax, dryRun } = parseInput(files, orphanOptions, options)
  const before = new Date((await now(executor)).getTime() - graceHours * 3_600_000)
  const objects = await orphanObjects(executor, store, before)
  const rows = await orphanRows(executor, store, before)
  refuseTooMany('objects', objects.orphans.length, objects.checked, shareMax)
  refuseTooMany('files', rows.orphans.length, rows.checked, shareMax)
  return {
    objects: {
      checked: objects.checked,
      foreign: objects.foreign,
      removed: dryRun ? objects.orphans.length : await removeObjects(executor, store, objects.orphans),
    },
    rows: {
      checked: rows.checked,
      removed: dryRun ? rows.orphans.length : await removeMissing(executor, store, rows.orphans, before),
    },
  }
}

interface Key {
  readonly key: string
  readonly userId: string
}

/** The last two parts are project and file, so a user may be anything before. */
function keyOf(key: string): Key | null {
  const match = /^(.+)\/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\/[^/]+$/.exec(key)
  return match?.[1] === undefined ? null : { key, userId: match[1] }
}

async function orphanObjects(executor: Executor, store: ObjectStore, before: Date) {
  const orphans: Key[] = []
  let checked = 0
  let foreign = 0
  let batch: Key[] = []
  const ask = async () => {
    orphans.push(...(await unknownKeys(executor, batch)))
    batch = []
  }
  for await (const { key, modifiedAt } of store.list()) {
    checked += 1
    const known = keyOf(key)
    if (known === null) foreign += 1
    else if (modifiedAt < before && batch.push(known) === BATCH) await ask()
  }
  await ask()
  return { orphans, checked, foreign }
}

/** By user, so that no more than one user's keys are held at a time. */
async function orphanRows(executor: Executor, store: ObjectStore, before: Date) {
  const orphans: FileRow[] = []
  let checked = 0
  for await (const userId of usersWithFiles(executor, before)) {
    const { rows, total } = await missingRows(executor, userId, before, await keysOf(store, userId))
    orphans.push(...rows)
    checked += total
  }
  return { orphans, checked }
}

async function keysOf(store: ObjectStore, userId: string): Promise<ReadonlySet<string>> {
  const keys = new Set<string>()
  for await (const { key } of store.list({ prefix: `${userId}/` })) keys.add(key)
  return keys
}

function refuseTooMany(what: string, orphans: number, checked: number, shareMax: number): void {
  if (orphans <= Math.max(FEW, checked * shareMax)) return
  throw new ConfigurationError(`${orphans} of ${checked} ${what} would be removed; nothing was`, {
    hint: 'Is this the store of this database? If it is, raise shareMax for this run',
  })
}

async function removeObjects(
  executor: Executor,
  store: ObjectStore,
  orphans: readonly Key[],
): Promise<number> {
  let removed = 0
  for (let at = 0; at < orphans.length; at += BATCH) {
    const keys = await unknownKeys(executor, orphans.slice(at, at + BATCH))
    await store.delete(keys.map(({ key }) => key))
    removed += keys.length
  }
  return removed
}

async function removeMissing(
  executor: Executor,
  store: ObjectStore,
  orphans: readonly FileRow[],
  before: Date,
): Promise<number> {
  let removed = 0
  for (const userId of new Set(orphans.map((row) => row.userId))) {
    const { rows } = await missingRows(executor, userId, before, await keysOf(store, userId))
    removed += await removeRows(executor, userId, rows)
  }
  return removed
}
