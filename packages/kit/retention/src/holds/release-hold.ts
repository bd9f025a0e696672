import { type Executor, NotFoundError } from '@tenantry/core'
import { parseInput, serviceOnly } from '@tenantry/repository'
import { z } from 'zod'
import { legalHolds } from './table.ts'

const release = z.strictObject({
  id: z.uuid(),
  /** Who orders it. */
  by: z.string().trim().min(1).max(200),
  reason: z.string().trim().min(1).max(2000),
})

export type ReleaseHold = z.input<typeof release>

/**
 * Ends a hold from now on; it stays in the table as history.
 *
 * @throws NotFoundError for a hold that isn't there or was released before, ValidationError without reason or author.
 */
export async function releaseHold(executor: Executor, input: ReleaseHold): Promise<void> {
  serviceOnly(executor, 'releaseHold')
  const { id, by, reason } = parseInput(legalHolds, release, input)
  const { count } = await executor.run({
    text: `
update tenantry.legal_holds
set released_at = pg_catalog.now(), released_by = $2, release_reason = $3
where id = $1::uuid and released_at is null`,
    params: [id, by, reason],
    gated: false,
  })
  if (count === 0) throw new NotFoundError('There is no such hold, or it was released before')
}
