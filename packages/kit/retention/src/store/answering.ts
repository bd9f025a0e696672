/** A store that never answers must not keep a run, and its lease, for ever. */
import { ArchiveError } from '../errors.ts'
import type { ArchiveStore } from './store.ts'

/** For one call, or for the next part of an object: far more than a segment of some megabytes takes on a slow line. */
const ANSWER_MAX_MS = 5 * 60_000

/**
 * The store, each of whose calls fails with an ArchiveError when it hasn't answered in `withinMs`. What it does later
 * is treated as what any store may do: an object without a manifest is nothing.
 */
export function answering(store: ArchiveStore, withinMs = ANSWER_MAX_MS): ArchiveStore {
  async function within<T>(key: string, call: Promise<T>): Promise<T> {
    let timer: NodeJS.Timeout | undefined
    const silence = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        reject(
          new ArchiveError(`${store.description} did not answer within ${withinMs / 1000} s about ${key}`, {
            key,
            hint: 'Rows that were not archived stay in the table. Check the store before the next run',
          }),
        )
      }, withinMs)
    })
    try {
      return await Promise.race([call, silence])
    } finally {
      clearTimeout(timer)
    }
  }

  async function* parts<T>(key: string, from: AsyncIterable<T>): AsyncGenerator<T, void, undefined> {
    const iterator = from[Symbol.asyncIterator]()
    for (;;) {
      const next = await within(key, iterator.next())
      if (next.done === true) return
      yield next.value
    }
  }

  return {
    description: store.description,
    put: (key, body, options) => within(key, store.put(key, body, options)),
    async get(key) {
      const found = await within(key, store.get(key))
      return found === null ? null : parts(key, found)
    },
    head: (key) => within(key, store.head(key)),
    list: (prefix) => parts(prefix, store.list(prefix)),
    remove: (key) => within(key, store.remove(key)),
  }
}
