import { defineTenancy, type PolicyNamer } from '@tenantry/rls'
import * as schema from './schema/index.ts'
import { SYSTEM_USER_ID } from './types/enums.ts'

/** Columns that the database fills, and that say how far an output's generation is. */
const leased = ['leaseToken', 'attempts', 'availableAt', 'lastError', 'createdAt', 'updatedAt'] as const

/** Whose each row is: the user's, in every table but that of versions. */
export const tenancy = defineTenancy({
  kind: 'user-text',
  schema,
  policyName,
  tables: {
    profiles: { class: 'tenant', column: 'userId', delete: false },
    projects: { class: 'tenant', column: 'userId' },
    files: { class: 'tenant', column: 'userId' },
    // A user edits what was generated; how it came to be isn't theirs to change.
    outputs: { class: 'tenant', column: 'userId', managed: leased, update: ['body', 'metadata'] },
    // Archiving moves rows here, nobody else brings any.
    outputsArchive: { class: 'tenant', column: 'userId', insert: false, update: false },
    templates: { class: 'tenant', column: 'userId', shared: SYSTEM_USER_ID },
    // Stripe's webhooks say what is paid for.
    subscriptions: { class: 'tenant', column: 'userId', insert: false, update: false, delete: false },
    schemaVersions: { class: 'internal' },
  },
})

/** `{table}_owner_{action}`, with one policy for all commands where the specification names one. */
function policyName(table: string, policy: Parameters<PolicyNamer>[1]): string {
  switch (policy) {
    case 'service':
      return `${table}_service_all`
    case 'definer':
      return `${table}_definer_select`
    case 'shared':
      return `${table}_shared_select`
    case 'select':
    case 'insert':
    case 'update':
    case 'delete':
      if (OF_ALL_COMMANDS.includes(table)) return `${table}_owner_all`
      return `${table}_owner_${policy === 'insert' ? 'upsert' : policy}`
    default:
      return `${table}_owner_${policy}`
  }
}

const OF_ALL_COMMANDS = ['projects', 'files', 'outputs', 'templates']
