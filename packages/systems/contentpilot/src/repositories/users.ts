import { type Executor, NotFoundError, UniqueViolationError } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { bindTenant } from '@tenantry/rls'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import * as schema from '../schema/index.ts'
import {
  clerkIdInput,
  type MirrorUserInput,
  mirrorUserInput,
  type SignUpInput,
  signUpInput,
  userChanges,
  userInput,
} from '../types/inputs.ts'
import { assign } from '@tenantry/workflow'
import { newestFirst } from './order.ts'
import { profiles } from './profiles.ts'
import { subscriptions } from './subscriptions.ts'

const table = schema.users

/** A customer: the account and what was made with it. */
export interface Account {
  readonly user: Row<typeof table>
  readonly profile: Row<typeof schema.profiles>
  readonly subscription: Row<typeof schema.subscriptions>
  /** False: the account was there already. */
  readonly created: boolean
}

/**
 * Accounts, mirrored from Clerk. A customer sees and renames their own; everything else is the service role's.
 * `remove` erases: the row goes, and all that hangs on it.
 */
export const users = defineRepository(table, {
  tenant: 'id',
  readOnly: ['deletedAt'],
  schema: { create: userInput, update: userChanges },
  defaultSort: newestFirst,
  verbs: (_, executor) => ({
    /**
     * Makes user, profile and trial in one transaction; the trial runs by the database's clock. A Clerk id
     * that is known answers what there is, unchanged, so a repeated webhook does no harm.
     *
     * Throws UniqueViolationError when the e-mail address is another account's, without saying whose. A
     * deleted account keeps its address until it is erased (`remove`). Service role only.
     */
    async signUp(input: SignUpInput): Promise<Account> {
      serviceOnly(executor, 'signUp')
      const { profile, planType, trialDays, postsPer, ...account } = parseInput(table, signUpInput, input)
      return executor.transaction(async (within) => {
        const own = bindTenant(within, crypto.randomUUID())
        const [user] = await users.bind(own).statement(
          'sign up',
          ({ tenant, value }) => ({
            returns: getTableColumns(table),
            // Either key may be taken; which one is asked afterwards, when the other caller has committed.
            query: (columns) => sql`insert into ${table} (id, clerk_id, email, full_name, avatar_url)
              values (${tenant}, ${value('clerkId', table.clerkId)}, ${value('email', table.email)},
                ${value('fullName', table.fullName)}, ${value('avatarUrl', table.avatarUrl)})
              on conflict do nothing
              returning ${columns}`,
          }),
          { ...account, fullName: account.fullName ?? null, avatarUrl: account.avatarUrl ?? null },
        )
        if (user === undefined) return existing(within, account.clerkId)
        return {
          user,
          profile: await profiles.bind(own).create(profile ?? {}),
          subscription: await subscriptions.bind(own).startTrial({ planType, trialDays, postsPer }),
          created: true,
        }
      })
    },

    /** The account of a Clerk id, or null: for a host that has a session and needs the user's id. Service role only. */
    async findByClerkId(clerkId: string): Promise<Row<typeof table> | null> {
      serviceOnly(executor, 'findByClerkId')
      const id = await idOfClerkId(executor, clerkId)
      return id === null ? null : users.bind(bindTenant(executor, id)).find()
    },

    /**
     * Takes over what Clerk says has changed. Throws NotFoundError for an unknown or deleted account (a late
     * update doesn't bring it back), UniqueViolationError for an e-mail address that another account has.
     * Service role only.
     */
    async mirror(input: MirrorUserInput): Promise<Row<typeof table>> {
      serviceOnly(executor, 'mirror')
      const { clerkId, ...changes } = parseInput(table, mirrorUserInput, input)
      return executor.transaction(async (within) => {
        const fields = MIRRORED.filter((field) => changes[field] !== undefined)
        const [mirrored] = await (
          await ofClerkId(within, clerkId)
        ).statement(
          `mirror ${fields.join(', ')}`,
          ({ tenant, value }) => ({
            returns: getTableColumns(table),
            query: (columns) => sql`update ${table}
              set ${sql.join(
                fields.map((field) => assign(table[field], value(field, table[field]))),
                sql`, `,
              )}
              where ${table.id} = ${tenant} and ${table.deletedAt} is null
              returning ${columns}`,
          }),
          changes,
        )
        if (mirrored === undefined) throw missing()
        return mirrored
      })
    },

    /**
     * Marks the account of a Clerk id as deleted, by the database's clock; nothing is removed. Repeating it
     * changes nothing. Throws NotFoundError for an unknown account. Service role only.
     */
    async markDeleted(clerkId: string): Promise<Row<typeof table>> {
      serviceOnly(executor, 'markDeleted')
      return executor.transaction(async (within) => {
        const repository = await ofClerkId(within, clerkId)
        const [deleted] = await repository.statement('mark deleted', ({ tenant }) => ({
          returns: getTableColumns(table),
          query: (columns) => sql`update ${table} set status = 'deleted', deleted_at = now()
            where ${table.id} = ${tenant} and ${table.deletedAt} is null
            returning ${columns}`,
        }))
        const user = deleted ?? (await repository.find())
        if (user === null) throw missing()
        return user
      })
    },
  }),
})

/** What Clerk may change. */
const MIRRORED = ['email', 'fullName', 'avatarUrl'] as const

/** The one question that is asked before a tenant is known, by a key that is unique over all of them. */
async function idOfClerkId(executor: Executor, clerkId: string): Promise<string | null> {
  const { rows } = await executor.run({
    text: 'select id from public.users where clerk_id = $1',
    params: [parseInput(table, clerkIdInput, clerkId)],
    gated: false,
  })
  const id = rows[0]?.[0]
  return typeof id === 'string' ? id : null
}

/** The repository, bound to the tenant that the account is. */
async function ofClerkId(executor: Executor, clerkId: string) {
  const id = await idOfClerkId(executor, clerkId)
  if (id === null) throw missing()
  return users.bind(bindTenant(executor, id))
}

async function existing(executor: Executor, clerkId: string): Promise<Account> {
  const id = await idOfClerkId(executor, clerkId)
  if (id === null) {
    throw new UniqueViolationError('This e-mail address belongs to another account', {
      table: getTableName(table),
      column: table.email.name,
      constraint: 'idx_users_email',
    })
  }
  const own = bindTenant(executor, id)
  return {
    user: await users.bind(own).get(id),
    profile: await profiles.bind(own).mine(),
    subscription: await subscriptions.bind(own).mine(),
    created: false,
  }
}

function missing(): NotFoundError {
  return new NotFoundError('There is no live account of this Clerk id', { table: getTableName(table) })
}
