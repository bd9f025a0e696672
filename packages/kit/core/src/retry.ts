import { TenantryError, SerializationError } from './errors.ts'

export interface RetryOptions {
  /** Calls in all, the first included. Default 5. */
  readonly attempts?: number
  /** Wait before the second call, in milliseconds; doubled each time, and spread at random. Default 10. */
  readonly baseDelayMs?: number
  /** Longest wait between two calls, in milliseconds. Default 1,000. */
  readonly maxDelayMs?: number
  /**
   * Which errors are worth another call. Default: serialization failures and deadlocks only, because
   * those alone are known to have done nothing; a lost connection may have committed.
   */
  readonly when?: (error: TenantryError) => boolean
  readonly signal?: AbortSignal
}

/**
 * Calls `run` again after a serialization failure or deadlock, with growing, spread waits ("full
 * jitter": a random part of the doubled delay, so that colliding callers part). `run` must be a whole
 * transaction. Rejects with the last error, or with the signal's reason.
 */
export async function withRetry<T>(
  run: (attempt: number) => Promise<T>,
  options: RetryOptions = {},
): Promise<T> {
  const { attempts = 5, baseDelayMs = 10, maxDelayMs = 1000, signal } = options
  const when = options.when ?? ((error: TenantryError) => error instanceof SerializationError)
  for (let attempt = 1; ; attempt++) {
    signal?.throwIfAborted()
    try {
      return await run(attempt)
    } catch (error) {
      if (attempt >= attempts || !(error instanceof TenantryError) || !when(error)) throw error
      await pause(Math.random() * Math.min(maxDelayMs, baseDelayMs * 2 ** (attempt - 1)), signal)
    }
  }
}

function pause(milliseconds: number, signal: AbortSignal | undefined): Promise<void> {
  // An abort that came while the call ran fires no event any more.
  if (signal?.aborted === true) return Promise.reject(signal.reason as Error)
  return new Promise((resolve, reject) => {
    const timer = setTimeout(done, milliseconds)
    const aborted = (): void => {
      clearTimeout(timer)
      reject(signal?.reason as Error)
    }
    function done(): void {
      signal?.removeEventListener('abort', aborted)
      resolve()
    }
    signal?.addEventListener('abort', aborted, { once: true })
  })
}
