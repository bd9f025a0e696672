import { descending, id, instant, oneOf, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, foreignKey, index, pgTable, text, unique, uniqueIndex, uuid } from 'drizzle-orm/pg-core'
import { INVITATION_DAYS, INVITATION_STATUSES, ORGANIZATION_ROLES } from '../types/enums.ts'
import { organizations } from './organizations.ts'
import { users } from './users.ts'

/** People who were asked to join. Of the token that accepts an invitation only the hash is kept. */
export const organizationInvitations = pgTable(
  'organization_invitations',
  {
    id: id(),
    organizationId: uuid('organization_id').notNull(),
    /** In lower case. */
    email: text('email').notNull(),
    role: text('role', { enum: ORGANIZATION_ROLES }).notNull().default('member'),
    status: text('status', { enum: INVITATION_STATUSES }).notNull().default('pending'),
    /** SHA-256 of the secret part of the token, in hexadecimal. */
    tokenHash: text('token_hash').notNull(),
    /** Null: by the service role, or by somebody who has gone. */
    invitedBy: uuid('invited_by'),
    acceptedBy: uuid('accepted_by'),
    acceptedAt: instant('accepted_at'),
    /** From then on it can't be accepted any more, whatever its status. */
    expiresAt: instant('expires_at')
      .notNull()
      .default(sql.raw(`now() + interval '${INVITATION_DAYS} days'`)),
    ...timestamps(),
  },
  (table) => [
    unique('organization_invitations_token_hash_key').on(table.organizationId, table.tokenHash),
    uniqueIndex('idx_organization_invitations_pending')
      .on(table.organizationId, table.email)
      .where(sql`${table.status} = 'pending'`),
    foreignKey({
      name: 'organization_invitations_organization_id_fkey',
      columns: [table.organizationId],
      foreignColumns: [organizations.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'organization_invitations_invited_by_fkey',
      columns: [table.invitedBy],
      foreignColumns: [users.id],
    }).onDelete('set null'),
    foreignKey({
      name: 'organization_invitations_accepted_by_fkey',
      columns: [table.acceptedBy],
      foreignColumns: [users.id],
    }).onDelete('set null'),
    index('idx_organization_invitations_organization_id').on(
      table.organizationId,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_organization_invitations_invited_by').on(table.invitedBy),
    index('idx_organization_invitations_accepted_by').on(table.acceptedBy),
    check(
      'organization_invitations_email_check',
      sql`${table.email} = lower(${table.email}) and ${table.email} like '%@%'`,
    ),
    check('organization_invitations_role_check', oneOf(table.role, ORGANIZATION_ROLES)),
    check('organization_invitations_status_check', oneOf(table.status, INVITATION_STATUSES)),
    check('organization_invitations_token_hash_check', sql`${table.tokenHash} ~ '^[0-9a-f]{64}$'`),
  ],
)
