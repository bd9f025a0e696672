import { createdAt, id, instant } from '@tenantry/core'
import { customType, foreignKey, pgTable, unique, uuid, varchar } from 'drizzle-orm/pg-core'
import { users } from './users.ts'

const bytea = customType<{ data: Uint8Array; driverData: Uint8Array }>({ dataType: () => 'bytea' })

/** A customer's API keys and access tokens, encrypted before they arrive here. */
export const userSecrets = pgTable(
  'user_secrets',
  {
    id: id(),
    userId: uuid('user_id').notNull(),
    /** Whose secret it is, such as `openai`. */
    provider: varchar('provider', { length: 50 }).notNull(),
    /** Tells several secrets of one provider apart. */
    label: varchar('label', { length: 255 }).notNull(),
    ciphertext: bytea('ciphertext').notNull(),
    /** The key that `ciphertext` was made with. */
    keyId: varchar('key_id', { length: 255 }).notNull(),
    createdAt: createdAt(),
    rotatedAt: instant('rotated_at'),
    expiresAt: instant('expires_at'),
  },
  (table) => [
    unique('user_secrets_user_id_provider_label_key').on(table.userId, table.provider, table.label),
    foreignKey({
      name: 'user_secrets_user_id_fkey',
      columns: [table.userId],
      foreignColumns: [users.id],
    }).onDelete('cascade'),
  ],
)
