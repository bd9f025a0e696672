/** The one source of what may be deleted: an object as the store gives it back, found to be what was archived. */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { ArchiveError } from '../errors.ts'
import type { ArchiveFormat } from '../format/format.ts'
import { lineEnds } from '../format/lines.ts'
import type { ArchiveStore } from '../store/store.ts'

export interface Expected {
  readonly key: string
  readonly rows: number
  readonly contentSha256: string
  readonly columns: readonly string[]
  /** Of the object, where it is known from the manifest. */
  readonly objectSha256?: string
}

export interface ReadBack {
  readonly content: Uint8Array
  readonly ends: Uint32Array
  readonly objectBytes: number
  readonly objectSha256: string
}

export function sha256(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/** A store that shows an object a moment after it was put is slow, not broken. */
const WAITS_MS = [50, 200, 1000]

/**
 * Reads an object and compares it with what it must be: size of hash, and number of rows.
 *
 * @throws ArchiveError for an object that is missing, cut, altered or unreadable.
 */
export async function readBack(
  store: ArchiveStore,
  format: ArchiveFormat,
  expected: Expected,
): Promise<ReadBack> {
  const { key } = expected
  const refuse = (what: string, cause?: unknown): ArchiveError =>
    new ArchiveError(`The archive object ${key} in ${store.description} ${what}`, {
      key,
      cause,
      hint: 'Its rows stay in the table. Check the store before the next run',
    })
  const object = await fetchObject(store, key).catch((cause: unknown) => {
    throw refuse('could not be read', cause)
  })
  if (object === null) throw refuse('is missing')
  const objectSha256 = sha256(object)
  if (expected.objectSha256 !== undefined && expected.objectSha256 !== objectSha256) {
    throw refuse('is not the one that was recorded')
  }
  const content = await format.decode(object, expected.columns).catch((cause: unknown) => {
    throw refuse('is not whole', cause)
  })
  const ends = lineEnds(content)
  if (sha256(content) !== expected.contentSha256) throw refuse('holds something else than was archived')
  if (ends.length !== expected.rows) throw refuse(`holds ${ends.length} rows, not ${expected.rows}`)
  return { content, ends, objectBytes: object.byteLength, objectSha256 }
}

async function fetchObject(store: ArchiveStore, key: string): Promise<Uint8Array | null> {
  for (const wait of [...WAITS_MS, null]) {
    const stream = await store.get(key)
    if (stream !== null) {
      const parts: Uint8Array[] = []
      for await (const part of stream) parts.push(part)
      return Buffer.concat(parts)
    }
    if (wait !== null) await sleep(wait)
  }
  return null
}
