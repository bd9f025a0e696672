/** Stores and drivers that fail as told: the library sees nothing but its own interfaces. */
import type { Connection, Statement } from '@tenantry/core'
import type { ArchiveStore } from '../../src/index.ts'
import type { Transactor } from '../../src/engine/session.ts'

export const storeWith = (store: ArchiveStore, changes: Partial<ArchiveStore>): ArchiveStore => ({
  description: store.description,
  put: (key, body, options) => store.put(key, body, options),
  get: (key) => store.get(key),
  head: (key) => store.head(key),
  list: (prefix) => store.list(prefix),
  remove: (key) => store.remove(key),
  ...changes,
})

export async function bytesOf(stream: AsyncIterable<Uint8Array> | null): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const part of stream ?? []) parts.push(part)
  return Buffer.concat(parts)
}

export interface Hooks {
  readonly before?: (statement: Statement) => void | Promise<void>
  readonly after?: (statement: Statement) => void | Promise<void>
  readonly committed?: (statements: readonly Statement[]) => void | Promise<void>
}

/** A driver that tells what it sends. */
export function hooked(driver: Transactor, { before, after, committed }: Hooks): Transactor {
  return {
    session: (run) => driver.session(run),
    async transaction(options, run) {
      const sent: Statement[] = []
      const value = await driver.transaction(options, (connection) => {
        const wrapped: Connection = {
          ...connection,
          async query(statement) {
            sent.push(statement)
            await before?.(statement)
            const answer = await connection.query(statement)
            await after?.(statement)
            return answer
          },
        }
        return run(wrapped)
      })
      await committed?.(sent)
      return value
    },
  }
}
