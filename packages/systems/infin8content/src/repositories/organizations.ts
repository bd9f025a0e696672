import { DatabaseError, NotFoundError } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { bindTenant } from '@tenantry/rls'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { organizations as table, type userOrganizations } from '../schema/index.ts'
import type { OrganizationRole } from '../types/enums.ts'
import {
  type FoundOrganizationInput,
  foundOrganizationInput,
  organizationChanges,
  organizationInput,
} from '../types/inputs.ts'
import { members } from './members.ts'
import { newestFirst } from './order.ts'

/** An organization that a person may act in. */
export interface Membership {
  readonly organizationId: string
  readonly name: string
  readonly role: OrganizationRole
}

/** Organizations: a member sees the one they act in. Owners and administrators rename it. */
export const organizations = defineRepository(table, {
  tenant: 'id',
  schema: { create: organizationInput, update: organizationChanges },
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /** The organization that the principal acts in. Throws NotFoundError for whoever is no member of it. */
    async current(): Promise<Row<typeof table>> {
      const organization = await repository.find()
      if (organization === null) {
        throw new NotFoundError('There is no such organization for this person', {
          table: getTableName(table),
        })
      }
      return organization
    },

    /** Every organization that the person is an active member of, by name: what a switcher shows. */
    async mine(): Promise<(Membership & { readonly current: boolean })[]> {
      return repository.statement('mine', ({ tenant, gate }) => ({
        returns: {
          organizationId: sql<string>`mine.organization_id`,
          name: sql<string>`mine.name`,
          role: sql<OrganizationRole>`mine.role`,
          current: sql<boolean>`mine.organization_id = ${tenant}`,
        },
        query: (columns) => sql`select ${columns} from public.my_organizations() as mine
          where ${gate}
          order by mine.name, mine.organization_id`,
      }))
    },

    /** The same for a person who hasn't chosen one yet, such as at sign-in. Service role only. */
    async ofUser(userId: string): Promise<Membership[]> {
      serviceOnly(executor, 'ofUser')
      const { ownerId } = parseInput(table, foundOrganizationInput.pick({ ownerId: true }), {
        ownerId: userId,
      })
      const { rows } = await executor.run({ text: OF_USER, params: [ownerId], gated: false })
      return rows.map(([organizationId, name, role]) => ({ organizationId, name, role }) as Membership)
    },

    /** Makes an organization with its first owner, in one transaction. Service role only. */
    async found(
      input: FoundOrganizationInput,
    ): Promise<{ organization: Row<typeof table>; owner: Row<typeof userOrganizations> }> {
      serviceOnly(executor, 'found')
      const { name, ownerId } = parseInput(table, foundOrganizationInput, input)
      return executor.transaction(async (within) => {
        const own = bindTenant(within, crypto.randomUUID())
        const [organization] = await organizations.bind(own).statement(
          'found',
          ({ tenant, value }) => ({
            returns: getTableColumns(table),
            query: (columns) => sql`insert into ${table} (id, name)
              values (${tenant}, ${value('name', table.name)})
              returning ${columns}`,
          }),
          { name },
        )
        if (organization === undefined) {
          throw new DatabaseError('The organization was not written', { table: getTableName(table) })
        }
        const owner = await members.bind(own).add({ userId: ownerId, role: 'owner' })
        return { organization, owner }
      })
    },
  }),
})

/** Asked before an organization is known, by the person's own id. */
const OF_USER = `select organization.id, organization.name, member.role
from public.user_organizations as member
join public.organizations as organization on organization.id = member.organization_id
where member.user_id = $1 and member.active
order by organization.name, organization.id`
