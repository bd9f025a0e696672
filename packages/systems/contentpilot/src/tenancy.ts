import { defineTenancy } from '@tenantry/rls'
import * as schema from './schema/index.ts'

/** Whose each row is: the user's, in every table. What a customer can't write is billing's or the system's. */
export const tenancy = defineTenancy({
  kind: 'user-uuid',
  schema,
  policyName: (_table, policy) =>
    policy === 'isolation' ? 'user_isolation_policy' : `user_${policy}_policy`,
  // Values that are global by nature; only the service role writes them.
  globalKeys: [
    'idx_users_clerk_id',
    'idx_users_email',
    'idx_subscriptions_stripe_customer',
    'subscriptions_stripe_subscription_id_key',
  ],
  tables: {
    users: { class: 'tenant', column: 'id', insert: false, update: ['fullName', 'avatarUrl'], delete: false },
    profiles: { class: 'tenant', column: 'userId', delete: false },
    subscriptions: { class: 'tenant', column: 'userId', insert: false, update: false, delete: false },
    pillars: { class: 'tenant', column: 'userId' },
    voiceExamples: { class: 'tenant', column: 'userId' },
    rawTopics: { class: 'tenant', column: 'userId' },
    classifiedTopics: { class: 'tenant', column: 'userId' },
    generatedDrafts: {
      class: 'tenant',
      column: 'userId',
      managed: ['createdAt', 'updatedAt', 'approvedAt', 'postedAt'],
    },
    usageTracking: { class: 'tenant', column: 'userId', update: false, delete: false },
    usageMonthly: { class: 'tenant', column: 'userId', insert: false, update: false, delete: false },
    auditLogs: {
      class: 'tenant',
      column: 'userId',
      nullMeans: 'hidden',
      insert: false,
      appendOnly: true,
    },
    userSecrets: { class: 'tenant', column: 'userId' },
  },
})
