import { decodeCursor, encodeCursor, encodeParam, type Executor, ValidationError } from '@tenantry/core'
import { decodeColumn } from '@tenantry/repository'
import { sql } from 'drizzle-orm'
import { gatedStatement, tenantOf } from '../gated-statements.ts'
import type { CreditsPlan, EntryColumn } from './plan.ts'

export type CreditKind = 'earned' | 'spent' | 'reversed' | 'expired'

export interface CreditEntry {
  /** 1, 2, 3 … of the tenant. */
  readonly version: number
  readonly kind: CreditKind
  /** Negative where credits went. */
  readonly amount: number
  readonly balanceAfter: number
  readonly source: string
  readonly description: string | null
  readonly idempotencyKey: string | null
  /** The version of the entry that this one undid. */
  readonly reverses: number | null
  readonly expiresAt: Date | null
  readonly createdAt: Date
}

export interface HistoryOptions {
  /** Default 50, at most 1,000. */
  readonly limit?: number
  /** `nextCursor` of the page before. Default: from the newest on. */
  readonly cursor?: string
}

export interface History {
  /** Newest first. */
  readonly items: readonly CreditEntry[]
  /** Null: this is the end. */
  readonly nextCursor: string | null
}

const SHOWN = [
  'version',
  'kind',
  'amount',
  'balanceAfter',
  'source',
  'description',
  'idempotencyKey',
  'reverses',
  'expiresAt',
  'createdAt',
] as const satisfies readonly EntryColumn[]

export function createHistory(
  plan: CreditsPlan,
): (executor: Executor, options?: HistoryOptions) => Promise<History> {
  const { entries, kinds } = plan
  const kindOf = new Map(Object.entries(kinds).map(([kind, word]) => [word, kind as CreditKind]))
  const { version, tenant } = entries.sql
  const columns = SHOWN.map((column) => `entry.${entries.sql[column]}`).join(', ')
  const page = gatedStatement(
    (gate) => sql`select ${sql.raw(columns)} from ${sql.raw(entries.target.sql)} as entry
    where entry.${sql.raw(tenant)} = ${sql.placeholder('tenant')}::${sql.raw(plan.tenant.type)}
      and entry.${sql.raw(version)} < ${sql.placeholder('before')}::bigint and ${gate}
    order by entry.${sql.raw(version)} desc
    limit ${sql.placeholder('limit')}::integer`,
  )
  return async (executor, { limit = 50, cursor } = {}) => {
    if (!Number.isInteger(limit) || limit < 1 || limit > 1000) {
      throw new ValidationError('A page of history has 1 to 1,000 entries', [
        { path: 'limit', message: 'Must be a whole number from 1 to 1,000' },
      ])
    }
    const owner = tenantOf(executor, `Entries of ${entries.target.label}`)
    const query = `credits ${entries.target.label} ${owner}`
    // Beyond what any version reaches.
    const [before = String(Number.MAX_SAFE_INTEGER)] = cursor === undefined ? [] : decodeCursor(cursor, query)
    const { rows } = await executor.run(page(executor.gate), { tenant: owner, before, limit: limit + 1 })
    const items = rows.slice(0, limit).map((row): CreditEntry => {
      const value = (column: (typeof SHOWN)[number]): unknown =>
        decodeColumn(entries.columns[column], row[SHOWN.indexOf(column)])
      const number = (column: 'version' | 'amount' | 'balanceAfter'): number => Number(value(column))
      const reverses = value('reverses')
      return {
        version: number('version'),
        kind: kindOf.get(String(value('kind'))) ?? 'earned',
        amount: number('amount'),
        balanceAfter: number('balanceAfter'),
        source: String(value('source')),
        description: value('description') as string | null,
        idempotencyKey: value('idempotencyKey') as string | null,
        reverses: reverses === null ? null : Number(reverses),
        expiresAt: value('expiresAt') as Date | null,
        createdAt: value('createdAt') as Date,
      }
    })
    const last = items.at(-1)
    return {
      items,
      nextCursor:
        rows.length <= limit || last === undefined
          ? null
          : encodeCursor({ query, values: [encodeParam(last.version)] }),
    }
  }
}
