import { type Executor, NotFoundError } from '@tenantry/core'
import { decodeColumn, parseInput, type RepositoryDefinition, type Row } from '@tenantry/repository'
import { bindTenant } from '@tenantry/rls'
import { getTableName, sql } from 'drizzle-orm'
import { userProfiles as table } from '../schema/index.ts'
import { userIdInput } from '../types/inputs.ts'
import { profiles } from './profiles.ts'

export type Admin = Pick<Row<typeof table>, 'userId' | 'fullName' | 'email' | 'isAdmin' | 'updatedAt'>

export interface Admins {
  /** Whether the person whose scope it is, is an administrator at this moment. */
  isAdmin(): Promise<boolean>
  /** All administrators, for the service role and for administrators; others see none but themselves. */
  list(): Promise<Admin[]>
  /**
   * Makes somebody an administrator, who then reads everything. For the service role and for administrators, but
   * nobody promotes themselves. Throws IsolationError, and NotFoundError for an unknown person.
   */
  promote(userId: string): Promise<void>
  /** Ends it, from the next statement on. As `promote`. */
  demote(userId: string): Promise<void>
}

/** Who runs the product: people whose profile says so. */
export const admins: RepositoryDefinition<typeof table, Admins> = {
  table,
  tenant: 'userId',
  bind: (executor) => ({
    async isAdmin() {
      const [found] = await profiles.bind(executor).statement('is admin', ({ tenant, gate }) => ({
        returns: { isAdmin: table.isAdmin },
        query: (columns) =>
          sql`select ${columns} from ${table} where ${table.userId} = ${tenant} and ${gate}`,
      }))
      return found?.isAdmin ?? false
    },
    async list() {
      // Of all people: what the caller may see of them, row security says.
      const { rows } = await executor.run({ text: ALL_ADMINS, params: [], gated: false })
      return rows.map((values) => {
        const of = (index: number) => decodeColumn(LISTED[index] ?? table.userId, values[index])
        return {
          userId: of(0) as string,
          fullName: of(1) as string | null,
          email: of(2) as string | null,
          isAdmin: of(3) as boolean,
          updatedAt: of(4) as Date,
        }
      })
    },
    promote: (userId) => setAdmin(executor, userId, true),
    demote: (userId) => setAdmin(executor, userId, false),
  }),
}

const LISTED = [table.userId, table.fullName, table.email, table.isAdmin, table.updatedAt]

const ALL_ADMINS = `select ${LISTED.map(({ name }) => name).join(', ')} from public.user_profiles
where is_admin = true order by user_id`

/** The service role writes the row. An administrator writes nobody's, and asks the function that does. */
async function setAdmin(executor: Executor, target: string, isAdmin: boolean): Promise<void> {
  const userId = parseInput(table, userIdInput, target)
  const found =
    executor.role === 'service'
      ? await asService(executor, userId, isAdmin)
      : await asAdministrator(executor, userId, isAdmin)
  if (!found) throw new NotFoundError('There is no such person', { table: getTableName(table) })
}

async function asService(executor: Executor, userId: string, isAdmin: boolean): Promise<boolean> {
  const changed = await profiles.bind(bindTenant(executor, userId)).statement(
    'set admin',
    ({ tenant, value }) => ({
      returns: { userId: table.userId },
      query: (columns) => sql`update ${table} set is_admin = ${value('isAdmin', table.isAdmin)}
        where ${table.userId} = ${tenant} returning ${columns}`,
    }),
    { isAdmin },
  )
  return changed.length > 0
}

async function asAdministrator(executor: Executor, userId: string, isAdmin: boolean): Promise<boolean> {
  const { rows } = await executor.run({
    text: 'select public.set_user_admin($1, $2)',
    params: [userId, isAdmin],
    gated: false,
  })
  return rows[0]?.[0] === true
}
