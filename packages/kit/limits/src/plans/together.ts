/** Calls for one counter that are made while another is under way travel together, so that a hot row isn't a wall. */

/** Calls in one statement at most: enough that the wait for a commit is shared, few enough that nobody waits for long. */
const TOGETHER_MAX = 500

interface Waiting<A, R> {
  readonly call: A
  readonly resolve: (result: R) => void
  readonly reject: (error: unknown) => void
}

export interface Together<A, R> {
  /** Runs the call alone if nothing is under way for `key`, else with the others that wait for it. */
  run(key: string, call: A): Promise<R>
}

/** `all` answers for each call, in order: a result, or the error that it is to reject with. */
export function together<A, R>(
  one: (call: A) => Promise<R>,
  all: (calls: readonly A[]) => Promise<readonly PromiseSettledResult<R>[]>,
): Together<A, R> {
  const queues = new Map<string, Waiting<A, R>[]>()

  async function drain(key: string, waiting: Waiting<A, R>[]): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting.splice(0, TOGETHER_MAX)
      try {
        const results = await all(batch.map(({ call }) => call))
        for (const [index, { resolve, reject }] of batch.entries()) {
          const result = results[index]
          if (result?.status === 'fulfilled') resolve(result.value)
          else reject(result?.reason)
        }
      } catch (error) {
        for (const { reject } of batch) reject(error)
      }
    }
    queues.delete(key)
  }

  return {
    async run(key, call) {
      const queue = queues.get(key)
      if (queue !== undefined) {
        return new Promise<R>((resolve, reject) => queue.push({ call, resolve, reject }))
      }
      const waiting: Waiting<A, R>[] = []
      queues.set(key, waiting)
      try {
        return await one(call)
      } finally {
        void drain(key, waiting)
      }
    },
  }
}
