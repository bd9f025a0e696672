/** Reads what a claim answers: whether the row is worked on now, else it was given up, and the row. */
import type { Answer } from '@tenantry/core'
import { columnDecoder, type Row } from '@tenantry/repository'
import type { PgColumn, PgTable } from 'drizzle-orm/pg-core'
import type { Claim, ClaimBatch } from './claims.ts'
import type { ClaimsPlan } from './plan.ts'

export function batchReader<T extends PgTable>(plan: ClaimsPlan): (rows: Answer['rows']) => ClaimBatch<T> {
  const columns = Object.values(plan.columns)
  const fields = Object.entries(plan.columns).map(
    ([property, column], index) => [property, index + 1, columnDecoder(column)] as const,
  )
  const place = (column: PgColumn): number => columns.indexOf(column) + 1
  const [id, tenant] = [place(plan.id), place(plan.tenant)]
  const [token, attempts] = [place(plan.lease.leaseToken), place(plan.lease.attempts)]
  return (rows) => {
    const claims: Claim<T>[] = []
    const abandoned: { id: string; tenant: string }[] = []
    for (const values of rows) {
      const key = { id: String(values[id]), tenant: String(values[tenant]) }
      if (values[0] !== true) {
        abandoned.push(key)
        continue
      }
      const row: Record<string, unknown> = {}
      for (const [property, index, decode] of fields) row[property] = decode(values[index])
      claims.push({
        ...key,
        token: String(values[token]),
        attempt: Number(values[attempts]),
        row: row as Row<T>,
      })
    }
    return { claims, abandoned }
  }
}
