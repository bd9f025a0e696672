import type { Repository, Returned } from '@tenantry/repository'
import { changeState } from '@tenantry/workflow'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'

/** A table of a customer's rows, each in a state. */
type StatusTable = PgTable & {
  readonly id: PgColumn
  readonly userId: PgColumn
  readonly status: PgColumn
}

/** From any state into `archived`; repeating it changes nothing. */
export function archiveRow<T extends StatusTable>(
  table: T,
  repository: Pick<Repository<T, unknown, unknown, never>, 'statement'>,
  id: string,
): Promise<Returned<T['_']['columns']>> {
  return changeState(table, repository, {
    verb: 'archive',
    tenant: table.userId,
    row: { id },
    column: table.status,
    from: table.status.enumValues ?? [],
    to: 'archived',
  })
}
