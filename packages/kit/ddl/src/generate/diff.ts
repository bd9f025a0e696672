/** What has to be dropped and made so that the objects of the last snapshot become the declared ones. */
import { ConfigurationError } from '@tenantry/core'
import type { DeclaredObject } from '../declared.ts'
import { isLockDown, type StoredObject, type StoredObjects } from './snapshot.ts'

export interface ObjectDrop {
  readonly id: string
  readonly statements: readonly string[]
}

export interface ObjectDiff {
  /** In the order in which they must be dropped. */
  readonly drops: readonly ObjectDrop[]
  /** In the order in which they must be made. */
  readonly creates: readonly DeclaredObject[]
}

/** Kinds that hold on to what they mention. Bodies of functions don't: they are looked up when they run. */
const HOLDS_ON: ReadonlySet<string> = new Set(['view', 'trigger', 'policy'])

/**
 * @param objects what is declared, as `orderObjects` gives it
 * @param previous the last snapshot, in the order in which it was made
 * @param alteredTables tables of which a column is dropped or changes its type, as `schema.name`
 */
export function diffObjects(
  objects: readonly DeclaredObject[],
  previous: StoredObjects,
  alteredTables: ReadonlySet<string>,
): ObjectDiff {
  const declared = new Map(objects.map((object) => [object.id, object]))
  const drop = new Set<string>()
  const create = new Set<string>()

  for (const id of Object.keys(previous)) if (!declared.has(id)) drop.add(id)
  for (const object of objects) {
    const before = previous[object.id]
    if (before === undefined) create.add(object.id)
    else if (isChanged(object, before)) {
      if (object.change === 'refuse') throw refusal(object)
      create.add(object.id)
      if (object.change === 'recreate' || object.shape !== before.shape) drop.add(object.id)
    }
  }
  takeAlong(previous, declared, alteredTables, drop, create)
  regrant(objects, previous, drop, create)

  const kept = new Set(Object.keys(previous))
  const drops = [...kept]
    .filter((id) => drop.has(id))
    .toReversed()
    .flatMap((id) => {
      const statements = previous[id]?.drop ?? []
      return statements.length === 0 ? [] : [{ id, statements }]
    })
  return { drops, creates: objects.filter((object) => create.has(object.id) && object.create.length > 0) }
}

function isChanged(object: DeclaredObject, before: StoredObject): boolean {
  return (
    JSON.stringify(object.create) !== JSON.stringify(before.create) ||
    JSON.stringify(object.amend ?? []) !== JSON.stringify(before.amend ?? []) ||
    object.shape !== before.shape
  )
}

function refusal(object: DeclaredObject): ConfigurationError {
  return new ConfigurationError(`"${object.id}" has changed, and no statement can change it in place`, {
    hint: 'Write that migration by hand, or undo the change',
  })
}

/** Whatever depends on something that is dropped, or on a column that changes, is dropped and made with it. */
function takeAlong(
  previous: StoredObjects,
  declared: ReadonlyMap<string, DeclaredObject>,
  alteredTables: ReadonlySet<string>,
  drop: Set<string>,
  create: Set<string>,
): void {
  const gone = new Set(alteredTables)
  for (const id of drop) gone.add(previous[id]?.provides ?? '')
  gone.delete('')
  for (const name of gone) {
    for (const [id, object] of Object.entries(previous)) {
      const holds = HOLDS_ON.has(object.kind) && (object.on === name || mentions(object, name))
      const lost = object.on === name && !alteredTables.has(name)
      if (drop.has(id) || !(holds || lost)) continue
      drop.add(id)
      if (declared.has(id)) create.add(id)
      // A Set's iterator visits what is added on the way.
      if (object.provides !== undefined) gone.add(object.provides)
    }
  }
}

/** Errs on the side of making something anew: a name in a comment counts. */
function mentions(object: StoredObject, name: string): boolean {
  const [schema = '', bare = ''] = splitOnce(name)
  const escaped = bare.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')
  const pattern = new RegExp(`(?<![\\w$])"?${escaped}"?(?![\\w$])`)
  // Names in `public` may be written without it.
  return object.create.some((text) => (schema === 'public' || text.includes(schema)) && pattern.test(text))
}

function splitOnce(name: string): readonly string[] {
  const dot = name.indexOf('.')
  return [name.slice(0, dot), name.slice(dot + 1)]
}

/** Where a relation is locked down, one changed grant repeats the lock-down and all grants after it. */
function regrant(
  objects: readonly DeclaredObject[],
  previous: StoredObjects,
  drop: Set<string>,
  create: Set<string>,
): void {
  const touched = new Set(
    [...drop, ...create].flatMap((id) => {
      const object = objects.find((candidate) => candidate.id === id) ?? previous[id]
      return object?.kind === 'grant' && object.on !== undefined ? [object.on] : []
    }),
  )
  for (const object of objects) {
    if (!isLockDown(object) || object.on === undefined || !touched.has(object.on)) continue
    for (const grant of objects) if (grant.kind === 'grant' && grant.on === object.on) create.add(grant.id)
    // The lock-down takes everything back by itself.
    for (const [id, stored] of Object.entries(previous)) {
      if (stored.kind === 'grant' && stored.on === object.on) drop.delete(id)
    }
  }
}
