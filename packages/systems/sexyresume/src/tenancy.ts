import { defineTenancy } from '@tenantry/rls'
import * as schema from './schema/index.ts'
import { READER_ROLES } from './types/enums.ts'

const readOnly = { insert: false, update: false, delete: false } as const
const readerRoles = READER_ROLES.map((role) => `'${role}'`).join(', ')

/** Whose each row is. What a customer can't write is the worker's, billing's or the system's. */
export const tenancy = defineTenancy({
  kind: 'user-uuid',
  schema,
  policyName: (_table, policy) =>
    policy === 'isolation'
      ? 'users_own_data_only'
      : policy === 'service'
        ? 'service_role_full_access'
        : `users_${policy}`,
  readers: {
    table: schema.adminUsers,
    user: schema.adminUsers.userId,
    condition: `reader.is_active and reader.role in (${readerRoles})`,
  },
  // Values that are global by nature; only the service role writes them.
  globalKeys: [
    'idx_users_email',
    'exports_storage_path_key',
    'payment_receipts_stripe_payment_intent_id_key',
    'referral_codes_code_key',
    'user_sessions_token_hash_key',
  ],
  tables: {
    users: { class: 'tenant', column: 'id', insert: false, update: ['fullName'], delete: false },
    resumes: { class: 'tenant', column: 'userId', delete: false },
    exports: {
      class: 'tenant',
      column: 'userId',
      insert: ['userId', 'resumeId', 'format', 'template'],
      update: false,
      delete: false,
    },
    coverLetters: { class: 'tenant', column: 'userId', delete: false },
    coverLetterDrafts: { class: 'tenant', column: 'userId', update: false, delete: false },
    enhancementRequests: {
      class: 'tenant',
      column: 'userId',
      insert: [
        'userId',
        'resumeId',
        'targetRole',
        'targetIndustry',
        'tonePreset',
        'stylePreferences',
        'originalContent',
      ],
      update: false,
      delete: false,
    },
    enhancementSuggestions: {
      class: 'tenant',
      column: 'userId',
      insert: false,
      update: ['userAction', 'userModifiedText'],
      delete: false,
    },
    jobRoles: { class: 'global' },
    templateRoleMappings: { class: 'global' },
    roleRecommendations: {
      class: 'tenant',
      column: 'userId',
      update: ['userFeedback', 'feedbackNotes'],
    },
    userEntitlements: { class: 'tenant', column: 'userId', ...readOnly },
    paymentReceipts: { class: 'tenant', column: 'userId', ...readOnly },
    creditBalances: { class: 'tenant', column: 'userId', ...readOnly },
    creditTransactions: { class: 'tenant', column: 'userId', ...readOnly, appendOnly: true },
    referralCodes: { class: 'tenant', column: 'userId', insert: false, update: ['isActive'], delete: false },
    referralConversions: { class: 'tenant', column: 'referredUserId', ...readOnly },
    achievementDefinitions: { class: 'global' },
    userAchievements: { class: 'tenant', column: 'userId', ...readOnly },
    adminUsers: { class: 'tenant', column: 'userId', ...readOnly },
    userSessions: { class: 'tenant', column: 'userId', insert: false, update: false, readers: false },
    auditLogs: { class: 'tenant', column: 'userId', nullMeans: 'hidden', ...readOnly, appendOnly: true },
    analyticsEvents: { class: 'internal', readers: true },
    analyticsSubjects: { class: 'internal', readers: true },
    cohortAnalysis: { class: 'internal', readers: true },
    conversionFunnels: { class: 'internal', readers: true },
    funnelAnalytics: { class: 'internal', readers: true },
    metricAnomalies: { class: 'internal', readers: true },
    dataRetentionPolicies: { class: 'internal', readers: true },
    queryPerformanceLog: { class: 'internal', readers: true },
  },
})
