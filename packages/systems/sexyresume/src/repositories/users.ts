import { type Executor, NotFoundError, UniqueViolationError } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { bindTenant } from '@tenantry/rls'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { type userEntitlements, users as table } from '../schema/index.ts'
import { type SignUpInput, signUpInput, userChanges, userInput } from '../types/inputs.ts'
import { entitlements } from './entitlements.ts'
import { newestFirst } from './order.ts'

/** A customer: the account and what was made with it. */
export interface Account {
  readonly user: Row<typeof table>
  readonly entitlements: Row<typeof userEntitlements>
  /** False: the account was there already. */
  readonly created: boolean
}

/** One customer's numbers. */
export interface Dashboard {
  readonly id: string
  readonly email: string
  readonly fullName: string | null
  readonly createdAt: Date
  readonly updatedAt: Date
  /** Those that aren't removed. */
  readonly resumeCount: number
  readonly exportCount: number
  readonly exportUnlocked: boolean
  readonly creditBalance: number
}

/**
 * Accounts. A customer sees and renames their own; everything else is the service role's. `remove` erases: the
 * row goes, and all that hangs on it; it is refused while there are payments, which the law keeps.
 */
export const users = defineRepository(table, {
  tenant: 'id',
  schema: { create: userInput, update: userChanges },
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /**
     * Makes the account with free entitlements, in one transaction. An id that is known answers what there is,
     * unchanged, so a repeated webhook does no harm.
     *
     * Throws UniqueViolationError when the e-mail address is another account's, without saying whose. Service
     * role only.
     */
    async signUp(input: SignUpInput): Promise<Account> {
      serviceOnly(executor, 'signUp')
      const { id = crypto.randomUUID(), email, fullName = null } = parseInput(table, signUpInput, input)
      return executor.transaction(async (within) => {
        const own = bindTenant(within, id.toLowerCase())
        const [user] = await users.bind(own).statement(
          'sign up',
          ({ tenant, value }) => ({
            returns: getTableColumns(table),
            // Either key may be taken; which one is asked afterwards, when the other caller has committed.
            query: (columns) => sql`insert into ${table} (id, email, full_name)
              values (${tenant}, ${value('email', table.email)}, ${value('fullName', table.fullName)})
              on conflict do nothing
              returning ${columns}`,
          }),
          { email, fullName },
        )
        if (user === undefined) return existing(own)
        return { user, entitlements: await entitlements.bind(own).create({}), created: true }
      })
    },

    /** The user's numbers, as they are now. Throws NotFoundError for an unknown user. */
    async dashboard(): Promise<Dashboard> {
      const [numbers] = await repository.statement('dashboard', ({ tenant, gate }) => ({
        returns: {
          id: sql<string>`stats.id`,
          email: sql<string>`stats.email`,
          fullName: sql<string | null>`stats.full_name`,
          createdAt: sql<Date>`stats.created_at`.mapWith(table.createdAt),
          updatedAt: sql<Date>`stats.updated_at`.mapWith(table.updatedAt),
          resumeCount: sql<number>`stats.resume_count`.mapWith(Number),
          exportCount: sql<number>`stats.export_count`.mapWith(Number),
          exportUnlocked: sql<boolean>`stats.export_unlocked`,
          creditBalance: sql<number>`stats.credit_balance`.mapWith(Number),
        },
        query: (columns) => sql`select ${columns}
          from public.user_dashboard_data as stats
          where stats.id = ${tenant} and ${gate}`,
      }))
      if (numbers === undefined) throw missing()
      return numbers
    },

    /** Everything that the product holds about the user, by table: what Article 20 of the GDPR asks for. */
    async exportData(): Promise<Record<string, unknown>> {
      const [answer] = await repository.statement('export data', ({ tenant, gate }) => ({
        returns: { data: sql<Record<string, unknown>>`public.export_user_data(${tenant})` },
        query: (columns) => sql`select ${columns} where ${gate}`,
      }))
      return json(answer?.data)
    },

    /**
     * Takes the person out of the account: name and address are overwritten, files and sessions deleted, resumes
     * and letters removed, events made anonymous. Payments and credits stay. Throws NotFoundError for an
     * unknown user.
     */
    async deleteData(): Promise<void> {
      const [answer] = await repository.statement('delete data', ({ tenant, gate }) => ({
        returns: { status: sql<string>`public.delete_user_data(${tenant}) ->> 'status'` },
        query: (columns) => sql`select ${columns} where ${gate}`,
      }))
      if (answer?.status !== 'completed') throw missing()
    },
  }),
})

async function existing(own: Executor): Promise<Account> {
  const user = await users.bind(own).find()
  if (user === null) {
    throw new UniqueViolationError('This e-mail address belongs to another account', {
      table: getTableName(table),
      column: table.email.name,
      constraint: 'idx_users_email',
    })
  }
  return { user, entitlements: await entitlements.bind(own).mine(), created: false }
}

function missing(): NotFoundError {
  return new NotFoundError('There is no such user', { table: getTableName(table) })
}

/** Clients differ in whether they parse a function's jsonb. */
function json(value: unknown): Record<string, unknown> {
  const parsed: unknown = typeof value === 'string' ? JSON.parse(value) : value
  return parsed as Record<string, unknown>
}
