import { type Executor, NotFoundError } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { bindTenant } from '@tenantry/rls'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { users as table } from '../schema/index.ts'
import { type SignUpInput, signUpInput, userChanges } from '../types/inputs.ts'
import { newestFirst } from './order.ts'

/**
 * People. Each sees and renames themselves; `members.people()` tells about the others in an organization. For
 * the service role bind the person's id.
 */
export const users = defineRepository(table, {
  tenant: 'id',
  of: 'user',
  schema: { create: signUpInput, update: userChanges },
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /** Whoever is acting. Throws NotFoundError where the host hasn't signed them up. */
    async me(): Promise<Row<typeof table>> {
      const person = await repository.find()
      if (person === null) throw new NotFoundError('There is no such person', { table: getTableName(table) })
      return person
    },

    /**
     * Makes a person, or answers the one who has this e-mail address or id, unchanged, so that a repeated
     * webhook does no harm. Service role only.
     */
    async signUp(input: SignUpInput): Promise<Row<typeof table>> {
      serviceOnly(executor, 'signUp')
      const { id = crypto.randomUUID(), ...person } = parseInput(table, signUpInput, input)
      return executor.transaction(async (within) => {
        const [made] = await users.bind(bindTenant(within, id)).statement(
          'sign up',
          ({ tenant, value }) => ({
            returns: getTableColumns(table),
            // Either key may be taken; which one is asked afterwards, when the other caller has committed.
            query: (columns) => sql`insert into ${table} (id, email, full_name, avatar_url)
              values (${tenant}, ${value('email', table.email)}, ${value('fullName', table.fullName)},
                ${value('avatarUrl', table.avatarUrl)})
              on conflict do nothing
              returning ${columns}`,
          }),
          { ...person, fullName: person.fullName ?? null, avatarUrl: person.avatarUrl ?? null },
        )
        if (made !== undefined) return made
        const known = await idOfEmail(within, person.email)
        return users.bind(bindTenant(within, known ?? id)).me()
      })
    },

    /** The person who has this e-mail address, or null. Service role only. */
    async findByEmail(email: string): Promise<Row<typeof table> | null> {
      serviceOnly(executor, 'findByEmail')
      const id = await idOfEmail(
        executor,
        parseInput(table, signUpInput.pick({ email: true }), { email }).email,
      )
      return id === null ? null : users.bind(bindTenant(executor, id)).find()
    },
  }),
})

/** The one question that is asked before a person is known, by a key that is unique over all of them. */
async function idOfEmail(executor: Executor, email: string): Promise<string | null> {
  const { rows } = await executor.run({
    text: 'select id from public.users where email = $1',
    params: [email],
    gated: false,
  })
  const id = rows[0]?.[0]
  return typeof id === 'string' ? id : null
}
