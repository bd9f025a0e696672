/** What every archive store must do, as answers to be compared. */
import { createHash } from 'node:crypto'
import type { ArchiveStore } from '../../src/index.ts'
import { bytesOf } from './faults.ts'

const digest = (text: string): string => createHash('sha256').update(text).digest('hex')
const FIRST = 'public.documents/rule/run/000001-1-abc.ndjson.gz'
const SECOND = 'public.documents/rule/run/000002-1-abc.ndjson.gz'

export async function storeAnswers(store: ArchiveStore) {
  const put = (key: string, text: string) => store.put(key, Buffer.from(text), { sha256: digest(text) })
  const text = async (key: string) => {
    const stream = await store.get(key)
    return stream === null ? null : (await bytesOf(stream)).toString()
  }
  const missing = { get: await text(FIRST), head: await store.head(FIRST) }
  const puts = [await put(FIRST, 'what is kept'), await put(FIRST, 'something else')]
  const kept = { get: await text(FIRST), sizeBytes: (await store.head(FIRST))?.sizeBytes }
  await put(SECOND, 'more')
  await put('public.notes/x', 'of another table')
  const listed: string[] = []
  for await (const { key } of store.list('public.documents/')) listed.push(key)
  await store.remove(FIRST)
  await store.remove(FIRST)
  return { missing, puts, kept, listed: listed.toSorted(), removed: await text(FIRST) }
}

export const EXPECTED = {
  missing: { get: null, head: null },
  puts: ['stored', 'exists'],
  kept: { get: 'what is kept', sizeBytes: 12 },
  listed: [FIRST, SECOND],
  removed: null,
}
