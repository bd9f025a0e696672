import { defineClaims } from '@tenantry/workflow'
import { outputs } from '../schema/index.ts'

/** A generation that failed three times fails for a reason that waiting doesn't cure, and each costs money. */
export const OUTPUT_ATTEMPTS = 3

/**
 * queued → processing → completed | failed. An output is processed under a lease of an hour; one that fails, or
 * whose lease runs out, is tried again after a wait, three times in all, and then given up.
 */
export const outputClaims = defineClaims({
  table: outputs,
  tenant: 'userId',
  state: { column: 'status', ready: 'queued', working: 'processing', done: 'completed', failed: 'failed' },
  leaseSeconds: 3600,
  maxAttempts: OUTPUT_ATTEMPTS,
  backoff: { baseSeconds: 30, maxSeconds: 3600 },
})
