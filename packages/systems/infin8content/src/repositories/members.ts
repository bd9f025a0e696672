import { IsolationError } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { userOrganizations as table, users } from '../schema/index.ts'
import { type MemberInput, memberInput, type MemberRoleInput, memberRoleInput } from '../types/inputs.ts'
import { managed } from './managed.ts'

type Member = Row<typeof table>

/** A member, and who they are. */
export type Person = Member & {
  readonly email: string
  readonly fullName: string | null
  readonly avatarUrl: string | null
}

/**
 * Who belongs to the organization. Owners and administrators change and remove members, and only owners change
 * owners; the others get an IsolationError. An organization keeps an active owner: taking away the last one is a
 * CheckViolationError, whoever tries. Whoever is removed or inactive sees nothing from the next statement on.
 */
export const members = defineRepository(table, {
  tenant: 'organizationId',
  key: ['userId'],
  defaultSort: [{ createdAt: 'desc' }],
  upsert: { on: ['userId'], set: ['role', 'active'] },
  verbs: (repository, executor) => {
    const change = (userId: string, patch: { role?: Member['role']; active?: boolean }): Promise<Member> =>
      managed(
        () => repository.update(userId, patch),
        () => repository.exists({ where: { userId } }),
      )
    return {
      /** Whoever is acting, as a member. Throws NotFoundError for whoever is none. */
      async me(): Promise<Member> {
        return repository.get(self(executor.user))
      },

      /** All members with their names, inactive ones too, the oldest first. */
      async people(): Promise<Person[]> {
        const service = executor.role === 'service'
        return repository.statement(service ? 'people by service' : 'people', ({ tenant, gate }) => ({
          returns: {
            ...getTableColumns(table),
            email: sql<string>`person.email`,
            fullName: sql<string | null>`person.full_name`,
            avatarUrl: sql<string | null>`person.avatar_url`,
          },
          // Row security shows a person to themselves alone; the function shows members to each other.
          query: (columns) => sql`select ${columns}
            from ${table}
            join ${service ? sql`(select id as user_id, email, full_name, avatar_url from ${users})` : sql`public.organization_people()`} as person
              on person.user_id = ${table.userId}
            where ${table.organizationId} = ${tenant} and ${gate}
            order by ${table.createdAt}, ${table.userId}`,
        }))
      },

      /** Makes a person a member; one who is, or was, becomes active with this role. Service role only. */
      async add(input: MemberInput): Promise<Member> {
        serviceOnly(executor, 'add')
        return repository.upsert({ ...parseInput(table, memberInput, input), active: true })
      },

      async changeRole(input: MemberRoleInput): Promise<Member> {
        const { userId, role } = parseInput(table, memberRoleInput, input)
        return change(userId, { role })
      },

      /** Shuts a member out and keeps their place. */
      async deactivate(userId: string): Promise<Member> {
        return change(userId, { active: false })
      },

      async reactivate(userId: string): Promise<Member> {
        return change(userId, { active: true })
      },

      /** Ends a membership. */
      async expel(userId: string): Promise<Member> {
        return managed(
          () => repository.remove(userId),
          () => repository.exists({ where: { userId } }),
        )
      },

      /** Ends the membership of whoever is acting. */
      async leave(): Promise<Member> {
        return repository.remove(self(executor.user))
      },
    }
  },
})

function self(user: string | null | undefined): string {
  if (user !== undefined && user !== null) return user
  throw new IsolationError('The service role is no member of an organization', {
    table: getTableName(table),
    hint: 'Act as a person: as({ userId, organizationId })',
  })
}
