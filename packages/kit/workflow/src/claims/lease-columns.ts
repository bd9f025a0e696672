import { instant } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { integer, text, uuid } from 'drizzle-orm/pg-core'

/**
 * The columns that claimed work needs, to be spread into the host's table:
 * - `lease_token uuid`: of the last claim; whoever finishes, renews or fails the row must have it. Null while
 *   the row waits.
 * - `attempts integer`: claims of the row so far, the current one included; 0 again when a finished row is put
 *   back by hand.
 * - `available_at timestamptz`: from when on the row may be claimed. While it is worked on: when its lease ends;
 *   after that and the backoff's wait another worker may take it over.
 * - `last_error text`: why the attempt before this one, or the last one, failed; null after a success.
 *
 * They are the database's to fill: declare them `managed` in the tenancy, so that no tenant can write them.
 */
export const leaseColumns = () => ({
  leaseToken: uuid('lease_token'),
  attempts: integer('attempts').notNull().default(0),
  availableAt: instant('available_at')
    .notNull()
    .default(sql`now()`),
  lastError: text('last_error'),
})
