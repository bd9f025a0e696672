import { id, oneOf, timestamps } from '@tenantry/core'
import { boolean, check, pgTable, text, unique } from 'drizzle-orm/pg-core'
import { ADMIN_ROLES } from '../types/enums.ts'
import { ownedBy, userId } from './columns.ts'

/** Who runs the product. Active admins and super admins read every customer's rows. */
export const adminUsers = pgTable(
  'admin_users',
  {
    id: id(),
    userId: userId(),
    role: text('role', { enum: ADMIN_ROLES }).notNull().default('admin'),
    isActive: boolean('is_active').notNull().default(true),
    ...timestamps(),
  },
  (table) => [
    ownedBy('admin_users', table.userId),
    unique('admin_users_user_id_key').on(table.userId),
    check('admin_users_role_check', oneOf(table.role, ADMIN_ROLES)),
  ],
)
