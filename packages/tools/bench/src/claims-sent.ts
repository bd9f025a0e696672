/** The statement that a call sends, caught on its way. */
import type { CompiledQuery, Executor } from '@tenantry/core'

export interface Sent {
  readonly query: CompiledQuery
  readonly values: Readonly<Record<string, unknown>>
}

type Identity = Pick<Executor, 'role' | 'tenant' | 'gate' | 'database'>

export const SERVICE: Identity = { role: 'service', tenant: null, gate: null }

class Caught extends Error {
  readonly sent: Sent
  constructor(sent: Sent) {
    super('The statement was caught, not sent')
    this.sent = sent
  }
}

export async function sent(
  call: (executor: Executor) => Promise<unknown>,
  identity: Identity,
): Promise<Sent> {
  try {
    await call({
      ...identity,
      run: (query, values = {}) => Promise.reject(new Caught({ query, values })),
      transaction: () => Promise.reject(new Error('A single statement was expected')),
    })
  } catch (thrown) {
    if (thrown instanceof Caught) return thrown.sent
    throw thrown
  }
  throw new Error('Nothing was sent')
}
