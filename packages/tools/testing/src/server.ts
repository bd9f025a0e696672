/** The server that a test run uses, as `global-setup` decided it. */
export type TestServer =
  | { readonly kind: 'server'; readonly url: string; readonly poolerUrl: string | undefined }
  | { readonly kind: 'embedded'; readonly url: 'memory://'; readonly poolerUrl: undefined }

/**
 * Reads `TEST_DATABASE_URL` (and `TEST_POOLER_URL`, a PgBouncer in transaction mode before the same server).
 * Unset, or `memory://`: the embedded PostgreSQL. Any other value than a postgres URL throws.
 */
export function testServer(): TestServer {
  const url = process.env['TEST_DATABASE_URL'] || 'memory://'
  if (url === 'memory://') return { kind: 'embedded', url, poolerUrl: undefined }
  if (!/^postgres(ql)?:\/\//.test(url)) {
    throw new Error('TEST_DATABASE_URL must be a postgres:// URL of a superuser, or memory://')
  }
  return { kind: 'server', url, poolerUrl: process.env['TEST_POOLER_URL'] || undefined }
}
