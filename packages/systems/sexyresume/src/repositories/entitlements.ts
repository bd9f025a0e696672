import { NotFoundError } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { getTableName, sql } from 'drizzle-orm'
import { userEntitlements as table } from '../schema/index.ts'
import { type EntitlementInput, entitlementInput } from '../types/inputs.ts'
import { newestFirst } from './order.ts'

/** What a customer has paid for: read by them, written by billing. One row per user. */
export const entitlements = defineRepository(table, {
  tenant: 'userId',
  readOnly: ['exportUnlockedAt'],
  defaultSort: newestFirst,
  upsert: { on: ['userId'], set: ['plan', 'exportUnlocked', 'premiumUntil'] },
  verbs: (repository, executor) => ({
    /** The user's entitlements. Throws NotFoundError where there are none. */
    async mine(): Promise<Row<typeof table>> {
      const row = await repository.find()
      if (row === null)
        throw new NotFoundError('The user has no entitlements', { table: getTableName(table) })
      return row
    },

    /** Whether the user is on the premium plan now, by the database's clock. */
    async isPremium(): Promise<boolean> {
      const rows = await repository.statement('is premium', ({ tenant, gate }) => ({
        returns: { id: table.id },
        query: (columns) => sql`select ${columns} from ${table}
          where ${table.userId} = ${tenant} and ${table.plan} = 'premium'
            and (${table.premiumUntil} is null or ${table.premiumUntil} > now())
            and ${gate}`,
      }))
      return rows.length > 0
    },

    /** Gives or takes what is named, and keeps the rest. Service role only. */
    async grant(input: EntitlementInput): Promise<Row<typeof table>> {
      serviceOnly(executor, 'grant')
      return repository.upsert(parseInput(table, entitlementInput, input))
    },
  }),
})
