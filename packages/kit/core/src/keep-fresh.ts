/** A value that is read from the database once for many uses, and read again when it may have changed. */
import { isDeepStrictEqual } from 'node:util'
import type { Driver } from './driver.ts'
import { ConfigurationError } from './errors.ts'

export interface KeepFreshOptions<T> {
  readonly read: () => Promise<T>
  /** Where the database says that it may have changed: a trigger notifies there. */
  readonly channel: string
  /**
   * How often to look in any case, in seconds. Default 30. Where the connection can't listen, such as behind a
   * pooler, this is how late a change can be; else it is for what was said while the connection was lost unnoticed.
   */
  readonly pollSeconds?: number
  /** Called with each new value that isn't the same as the one before. */
  readonly onChange?: (value: T) => void
  /** Called when it couldn't be read, or listened for; the last value stays. Default: a warning of the process. */
  readonly onError?: (error: unknown) => void
}

export interface Fresh<T> {
  readonly value: T
  /** Whether changes are heard of; false: it only looks by time. */
  readonly listening: boolean
  /** Reads now, and answers a value that was read after this call. */
  refresh(): Promise<T>
  /** Ends it; the value stays as it is. */
  close(): Promise<void>
}

/**
 * Reads a value and keeps it fresh until `close()`: by NOTIFY where the driver can listen, by time everywhere.
 * Reads never overlap. A pending wait doesn't keep the process alive.
 *
 * @throws whatever the first read does; later ones are told to `onError`.
 */
export async function keepFresh<T>(
  { listen }: Pick<Driver, 'listen'>,
  options: KeepFreshOptions<T>,
): Promise<Fresh<T>> {
  const { read, channel, pollSeconds = 30, onChange, onError = warn } = options
  let known: { readonly value: T } | undefined
  let started = false
  let closed = false
  let reading: Promise<void> | undefined
  let asked = false
  let timer: ReturnType<typeof setTimeout> | undefined
  let stopListening: (() => Promise<void>) | undefined

  async function readUntilNobodyAsks(): Promise<void> {
    do {
      asked = false
      const value = await read()
      if (closed || (known !== undefined && isDeepStrictEqual(value, known.value))) continue
      known = { value }
      if (started) onChange?.(value)
    } while (asked && !closed)
  }

  async function refresh(): Promise<T> {
    // A read that is under way may have begun before what the caller wants to see.
    if (reading !== undefined) asked = true
    reading ??= readUntilNobodyAsks().finally(() => {
      reading = undefined
    })
    await reading
    return current()
  }

  function current(): T {
    if (known === undefined) throw new ConfigurationError('The value was closed before it was read')
    return known.value
  }

  async function listenOnce(): Promise<void> {
    if (listen === undefined || stopListening !== undefined) return
    stopListening = await listen(channel, () => {
      if (!closed) refresh().catch(onError)
    })
  }

  function wait(): void {
    timer = setTimeout(() => {
      void listenOnce()
        .catch(onError)
        .then(refresh)
        .catch(onError)
        .finally(() => {
          if (!closed) wait()
        })
    }, pollSeconds * 1000)
    timer.unref()
  }

  // Before the first read, so that nothing is said in between unheard.
  await listenOnce().catch(onError)
  try {
    await refresh()
  } catch (error) {
    closed = true
    await stopListening?.()
    throw error
  }
  started = true
  wait()
  return {
    get value() {
      return current()
    },
    get listening() {
      return stopListening !== undefined
    },
    refresh,
    async close() {
      closed = true
      clearTimeout(timer)
      await stopListening?.()
      await reading?.catch(() => {})
    },
  }
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : String(error))
}
