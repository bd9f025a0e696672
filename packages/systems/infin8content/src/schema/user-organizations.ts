import { descending, oneOf, timestamps } from '@tenantry/core'
import { boolean, check, foreignKey, index, pgTable, primaryKey, text, uuid } from 'drizzle-orm/pg-core'
import { ORGANIZATION_ROLES } from '../types/enums.ts'
import { organizations } from './organizations.ts'
import { users } from './users.ts'

/** Who is a member of which organization, and as what. Every statement of a tenant looks here first. */
export const userOrganizations = pgTable(
  'user_organizations',
  {
    userId: uuid('user_id').notNull(),
    organizationId: uuid('organization_id').notNull(),
    role: text('role', { enum: ORGANIZATION_ROLES }).notNull().default('member'),
    /** False: they see nothing of the organization, until somebody lets them in again. */
    active: boolean('active').notNull().default(true),
    ...timestamps(),
  },
  (table) => [
    primaryKey({ name: 'user_organizations_pkey', columns: [table.userId, table.organizationId] }),
    foreignKey({
      name: 'user_organizations_user_id_fkey',
      columns: [table.userId],
      foreignColumns: [users.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'user_organizations_organization_id_fkey',
      columns: [table.organizationId],
      foreignColumns: [organizations.id],
    }).onDelete('cascade'),
    index('idx_user_organizations_organization_id').on(
      table.organizationId,
      descending(table.createdAt),
      descending(table.userId),
    ),
    check('user_organizations_role_check', oneOf(table.role, ORGANIZATION_ROLES)),
  ],
)
