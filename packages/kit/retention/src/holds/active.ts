/** Which holds are in force, known in a transaction that deletes for as long as it runs. */
import type { Connection } from '@tenantry/core'

/** Holds in force, as far as a statement's text depends on them. */
export interface ActiveHolds {
  /** Some tenant is held. */
  readonly tenants: boolean
  /** Labels of tables that are held as a whole. */
  readonly tables: ReadonlySet<string>
  /** Labels of tables of which rows are held. */
  readonly rows: ReadonlySet<string>
  /** Equal where the text of `notHeld` would be: to keep compiled statements by. Empty: nothing is held. */
  readonly key: string
}

/** That a hold, by its alias, is in force: by the database's clock. */
export const inForce = (alias: string): string =>
  `${alias}.released_at is null and (${alias}.until is null or ${alias}.until > pg_catalog.now())`

/**
 * Repeatable reads would look at a snapshot that is older than the lock. Compiling a condition of many subqueries
 * takes seconds, for a batch that takes milliseconds.
 */
const LOCK = `do $$
begin
  if pg_catalog.current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'a transaction that deletes must be READ COMMITTED to see every hold'
      using errcode = 'invalid_transaction_state';
  end if;
  perform pg_catalog.set_config('jit', 'off', true);
  lock table tenantry.legal_holds in share mode;
end $$`

const READ = `
select coalesce(hold.table_name, ''), hold.row_key is not null
from tenantry.legal_holds as hold
where ${inForce('hold')}
group by 1, 2
order by 1, 2`

/**
 * Call it first in every transaction that deletes, and put `notHeld` into each of its DELETEs. From here to the end
 * of the transaction no hold can be placed: placing one waits, and every transaction that begins after it waits for
 * it and sees it. Two statements, in one round trip where the connection allows it.
 *
 * A lock on the table instead of a row of its own: an INSERT into the table conflicts with it by itself, whoever
 * writes it and however, and waiters of a table's lock queue, so batches one after another can't starve a hold, as
 * sharers of a row lock can.
 *
 * @throws DatabaseError in a transaction that isn't READ COMMITTED: its snapshot may be older than a hold.
 */
export async function lockHolds(connection: Pick<Connection, 'query'>): Promise<ActiveHolds> {
  const [, { rows }] = await Promise.all([
    connection.query({ text: LOCK, params: [] }),
    connection.query({ text: READ, params: [], reusable: true }),
  ])
  return activeHolds(rows)
}

/** The same without the lock, for a plan: it may have changed a moment later. */
export async function readHolds(connection: Pick<Connection, 'query'>): Promise<ActiveHolds> {
  return activeHolds((await connection.query({ text: READ, params: [], reusable: true })).rows)
}

function activeHolds(rows: readonly (readonly unknown[])[]): ActiveHolds {
  const labels = (row: boolean): ReadonlySet<string> =>
    new Set(rows.filter(([label, isRow]) => label !== '' && isRow === row).map(([label]) => String(label)))
  return {
    tenants: rows.some(([label]) => label === ''),
    tables: labels(false),
    rows: labels(true),
    key: JSON.stringify(rows) === '[]' ? '' : JSON.stringify(rows),
  }
}
