import { NotFoundError } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { adminUsers as table } from '../schema/index.ts'
import { type AdminInput, adminInput } from '../types/inputs.ts'
import { newestFirst } from './order.ts'

/** Who runs the product. Active admins and super admins read every customer's rows: `scope.reading(userId)`. */
export const admins = defineRepository(table, {
  tenant: 'userId',
  schema: { create: adminInput },
  defaultSort: newestFirst,
  upsert: { on: ['userId'], set: ['role', 'isActive'] },
  verbs: (repository, executor) => ({
    /** Makes the user one of them, or changes their role. Nobody promotes themselves: service role only. */
    async promote(input: AdminInput = {}): Promise<Row<typeof table>> {
      serviceOnly(executor, 'promote')
      const { role } = parseInput(table, adminInput, input)
      const [promoted] = await repository.statement(
        'promote',
        ({ tenant, value }) => ({
          returns: getTableColumns(table),
          query: (columns) => sql`insert into ${table} (user_id, role)
            values (${tenant}, ${value('role', table.role)})
            on conflict (user_id) do update set role = excluded.role, is_active = true
            returning ${columns}`,
        }),
        { role },
      )
      if (promoted === undefined) throw missing()
      return promoted
    },

    /** Ends it, from the next statement on. Throws NotFoundError for a user who never was one. Service role only. */
    async demote(): Promise<Row<typeof table>> {
      serviceOnly(executor, 'demote')
      const [demoted] = await repository.statement('demote', ({ tenant }) => ({
        returns: getTableColumns(table),
        query: (columns) => sql`update ${table} set is_active = false
          where ${table.userId} = ${tenant} returning ${columns}`,
      }))
      if (demoted === undefined) throw missing()
      return demoted
    },
  }),
})

function missing(): NotFoundError {
  return new NotFoundError('The user is no admin', { table: getTableName(table) })
}
