/** Suites that need more than every server has. Elsewhere they are skipped, and the run says so at its end. */
import { describe } from 'vitest'
import { testServer } from './server.ts'

/** A suite that needs several connections at once: skipped on the embedded server. */
export function describeOnServer(name: string, suite: () => void): void {
  describe.skipIf(testServer().kind === 'embedded')(name, suite)
}

/** A suite that goes through PgBouncer in transaction mode: skipped where `TEST_POOLER_URL` isn't set. */
export function describeThroughPooler(name: string, suite: () => void): void {
  describe.skipIf(testServer().poolerUrl === undefined)(name, suite)
}
