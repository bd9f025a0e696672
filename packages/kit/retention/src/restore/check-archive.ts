/** Whether the archive still holds what the manifest says. */
import type { Finding } from '@tenantry/core'
import { readBack } from '../engine/read-back.ts'
import { type Segment, segmentsWhere } from '../engine/segments.ts'
import { openSession, type Transactor } from '../engine/session.ts'
import { ArchiveError, RetentionRefusedError } from '../errors.ts'
import { formats } from '../format/format.ts'
import type { ArchiveStore } from '../store/store.ts'

export interface CheckArchiveOptions {
  /** Instead of the one that `retention()` was given. */
  readonly store?: ArchiveStore
  /** Objects of this rule only. */
  readonly rule?: string
  /** Read every object and compare its hash and rows. Default false: ask the store for its size. */
  readonly whole?: boolean
}

export async function checkArchive(
  driver: Transactor,
  defaultStore: ArchiveStore | null,
  options: CheckArchiveOptions,
): Promise<readonly Finding[]> {
  const store = options.store ?? defaultStore
  if (store === null)
    throw new RetentionRefusedError('No archive store was given', {
      hint: 'Give retention() or this call a `store`',
    })
  const session = await openSession(driver)
  const segments = await session.read((connection) =>
    segmentsWhere(connection, '($1::text is null or segment.rule = $1) order by segment.created_at', [
      options.rule ?? null,
    ]),
  )
  const findings: Finding[] = []
  for (const segment of segments) {
    const wrong = await (options.whole === true ? wrongInside(store, segment) : wrongOutside(store, segment))
    if (wrong === null) continue
    findings.push({
      code: 'archive-object',
      object: segment.key,
      message: wrong,
      remedy: `Bring the object back from a copy of ${store.description}: it holds ${segment.rows} rows of ${segment.relation}`,
    })
  }
  return findings
}

async function wrongOutside(store: ArchiveStore, { key, objectBytes }: Segment): Promise<string | null> {
  const found = await store.head(key)
  if (found === null) return `The archive object ${key} is missing`
  return found.sizeBytes === objectBytes
    ? null
    : `The archive object ${key} has ${found.sizeBytes} bytes, not ${objectBytes}`
}

async function wrongInside(store: ArchiveStore, segment: Segment): Promise<string | null> {
  try {
    await readBack(store, formats[segment.format], {
      ...segment,
      columns: segment.shape.columns.map(({ name }) => name),
    })
    return null
  } catch (error) {
    if (error instanceof ArchiveError) return error.message
    throw error
  }
}
