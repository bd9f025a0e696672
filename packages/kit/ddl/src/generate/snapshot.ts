/** What the last migration left behind, to be compared with what is declared now. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DdlKind, DdlObject, StatementAmendment } from '@tenantry/core'
import { ConfigurationError, DDL_KINDS } from '@tenantry/core'
import type { DeclaredObject } from '../declared.ts'
import type { DrizzleSnapshot } from './drizzle.ts'

/** An object as it was last written into a migration. */
export interface StoredObject {
  readonly kind: DdlKind
  readonly create: readonly string[]
  readonly drop: readonly string[]
  readonly change: DdlObject['change']
  readonly amend?: readonly StatementAmendment[]
  readonly on?: string
  readonly provides?: string
  readonly shape?: string
}

export type StoredObjects = Readonly<Record<string, StoredObject>>

export interface Snapshot {
  readonly version: 1
  /** Null where another tool owns the tables. */
  readonly drizzle: DrizzleSnapshot | null
  readonly objects: StoredObjects
}

const SNAPSHOT_NAME = /^(\d{4,})_snapshot\.json$/

/** The snapshot with the highest number, or null in a folder without any. */
export function readLastSnapshot(
  folder: string,
): { readonly id: string; readonly snapshot: Snapshot } | null {
  const meta = join(folder, 'meta')
  if (!existsSync(meta)) return null
  const last = readdirSync(meta)
    .flatMap((file) => SNAPSHOT_NAME.exec(file)?.[1] ?? [])
    .toSorted((a, b) => Number(a) - Number(b))
    .at(-1)
  if (last === undefined) return null
  const text = readFileSync(join(meta, `${last}_snapshot.json`), 'utf8')
  return { id: last, snapshot: JSON.parse(text) as Snapshot }
}

/**
 * Puts the declared objects into the order in which they are created, and drops exact repetitions, as of a
 * helper function that two tables bring along. Throws ConfigurationError for two objects with one id.
 */
export function orderObjects(objects: readonly DdlObject[]): readonly DeclaredObject[] {
  const byId = new Map<string, DeclaredObject>()
  for (const object of objects as readonly DeclaredObject[]) {
    const known = byId.get(object.id)
    if (known !== undefined && JSON.stringify(store(known)) !== JSON.stringify(store(object))) {
      throw new ConfigurationError(`Two different objects are declared as "${object.id}"`)
    }
    if (known === undefined) byId.set(object.id, object)
  }
  return [...byId.values()].toSorted((a, b) => rank(a) - rank(b))
}

/** Within a kind the order of declaration stays, except that a lock-down comes before all grants. */
function rank(object: DeclaredObject): number {
  return DDL_KINDS.indexOf(object.kind) * 2 + (object.kind === 'grant' && !isLockDown(object) ? 1 : 0)
}

export function isLockDown(object: Pick<DeclaredObject, 'kind' | 'drop'>): boolean {
  return object.kind === 'grant' && object.drop.length === 0
}

export function storeObjects(objects: readonly DeclaredObject[]): StoredObjects {
  return Object.fromEntries(objects.map((object) => [object.id, store(object)]))
}

function store(object: DeclaredObject): StoredObject {
  const { kind, create, drop, change, amend, on, provides, shape } = object
  return {
    kind,
    create,
    drop,
    change,
    ...(amend === undefined ? {} : { amend }),
    ...(on === undefined ? {} : { on }),
    ...(provides === undefined ? {} : { provides }),
    ...(shape === undefined ? {} : { shape }),
  }
}
