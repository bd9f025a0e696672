/** One worker at a time for a rule. A worker that slept past its lease is told apart by the fence, whenever it wakes. */
import type { Connection } from '@tenantry/core'
import { LeaseLostError } from '../errors.ts'
import type { Session } from './session.ts'

const TAKE = `
insert into tenantry.retention_leases as lease (rule, fence, expires_at)
values ($1, 1, pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $2::double precision))
on conflict (rule) do update
set fence = lease.fence + 1, expires_at = excluded.expires_at
where lease.expires_at <= pg_catalog.clock_timestamp()
returning fence`

/** Locks the row to the end of the transaction, so that a successor waits for what this one commits. */
const KEEP = `
update tenantry.retention_leases
set expires_at = pg_catalog.clock_timestamp() + pg_catalog.make_interval(secs => $3::double precision)
where rule = $1 and fence = $2::bigint`

const RELEASE = `
update tenantry.retention_leases
set expires_at = pg_catalog.clock_timestamp()
where rule = $1 and fence = $2::bigint`

export interface Lease {
  readonly fence: string
  /** In a transaction that changes something, before it does. Throws LeaseLostError. */
  keep(connection: Connection): Promise<void>
  /** The reason why the lease was found lost between transactions; undefined: it wasn't. */
  readonly lost: Error | undefined
  release(): Promise<void>
}

/** Null: another worker has it. It is renewed until it is released. */
export async function takeLease(session: Session, rule: string, ttlSeconds: number): Promise<Lease | null> {
  const fence = await session.write(async (connection) => {
    const { rows } = await connection.query({ text: TAKE, params: [rule, ttlSeconds], reusable: true })
    return rows[0]?.[0]
  })
  if (fence === undefined) return null
  const own = String(fence)
  let lost: Error | undefined
  let beating: Promise<void> | undefined
  async function keep(connection: Connection): Promise<void> {
    const { count } = await connection.query({
      text: KEEP,
      params: [rule, own, ttlSeconds],
      reusable: true,
    })
    if (count === 1) return
    lost ??= new LeaseLostError(`Another worker has taken over the retention rule ${rule}`, {
      hint: 'Nothing to do: what this one had committed counts, and the other goes on from there',
    })
    throw lost
  }
  // A third of its length: one lost beat is no lost lease.
  const heart = setInterval(
    () => {
      // A lost connection is for the run itself to find.
      beating ??= session
        .write(keep)
        .catch(() => {})
        .finally(() => (beating = undefined))
    },
    (ttlSeconds * 1000) / 3,
  )
  heart.unref()
  return {
    fence: own,
    keep,
    get lost() {
      return lost
    },
    async release() {
      clearInterval(heart)
      await beating
      if (lost !== undefined) return
      await session.write((connection) =>
        connection.query({ text: RELEASE, params: [rule, own], reusable: true }),
      )
    },
  }
}
