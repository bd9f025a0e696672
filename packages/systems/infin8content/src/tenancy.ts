import { defineTenancy } from '@tenantry/rls'
import * as schema from './schema/index.ts'

const SERVICE_ONLY = { insert: false, update: false, delete: false } as const
const STAMPED = ['createdAt', 'updatedAt'] as const
const LEASED = [...STAMPED, 'leaseToken', 'attempts', 'availableAt', 'lastError'] as const

/**
 * Whose each row is: the organization's, but for people, who may be members of several. What members can't
 * write follows from the verbs, or is the service role's. What their role adds is in database/roles.ts.
 */
export const tenancy = defineTenancy({
  kind: 'organization',
  schema,
  membership: {
    table: schema.userOrganizations,
    user: schema.userOrganizations.userId,
    organization: schema.userOrganizations.organizationId,
    active: schema.userOrganizations.active,
    role: schema.userOrganizations.role,
  },
  policyName: (_table, policy) => {
    switch (policy) {
      // The documented names.
      case 'select':
        return "Users can view their organization's data"
      case 'service':
        return 'Service role can manage all data'
      default:
        return `organization_${policy}`
    }
  },
  // An address is one person's, whichever organizations they are in; only the service role writes it.
  globalKeys: ['users_email_key'],
  tables: {
    users: {
      class: 'tenant',
      of: 'user',
      column: 'id',
      insert: false,
      update: ['fullName', 'avatarUrl'],
      delete: false,
    },
    organizations: { class: 'tenant', column: 'id', insert: false, update: ['name'], delete: false },
    userOrganizations: {
      class: 'tenant',
      column: 'organizationId',
      insert: false,
      update: ['role', 'active'],
    },
    organizationInvitations: {
      class: 'tenant',
      column: 'organizationId',
      insert: ['organizationId', 'email', 'role', 'tokenHash'],
      update: ['status'],
      delete: false,
    },
    organizationSubscriptions: { class: 'tenant', column: 'organizationId', ...SERVICE_ONLY },
    organizationCompetitors: { class: 'tenant', column: 'organizationId' },
    intentWorkflows: {
      class: 'tenant',
      column: 'organizationId',
      managed: [...STAMPED, 'createdBy', 'version', 'currentStep'],
    },
    // Inserted by the machine in the name of whoever makes the step; what they insert themselves is refused.
    workflowTransitions: { class: 'tenant', column: 'organizationId', appendOnly: true },
    keywords: { class: 'tenant', column: 'organizationId' },
    topicClusters: { class: 'tenant', column: 'organizationId' },
    clusterValidationResults: {
      class: 'tenant',
      column: 'organizationId',
      insert: ['organizationId', 'workflowId', 'hubKeywordId', 'validationMetadata'],
      update: ['validationMetadata'],
    },
    intentApprovals: {
      class: 'tenant',
      column: 'organizationId',
      managed: ['createdAt', 'userId'],
      update: ['decision', 'feedback', 'confidenceScore', 'approvalMetadata'],
      delete: false,
    },
    articles: {
      class: 'tenant',
      column: 'organizationId',
      managed: [...STAMPED, 'createdBy', 'completedAt', 'deliveredAt'],
    },
    articleSections: { class: 'tenant', column: 'organizationId', managed: LEASED },
    publishReferences: {
      class: 'tenant',
      column: 'organizationId',
      managed: [...STAMPED, 'leaseToken', 'retryCount', 'availableAt', 'errorMessage'],
    },
    tavilyResearchCache: { class: 'tenant', column: 'organizationId' },
    rateLimits: { class: 'tenant', column: 'organizationId', ...SERVICE_ONLY },
    usageTracking: { class: 'tenant', column: 'organizationId', ...SERVICE_ONLY },
    auditLogs: {
      class: 'tenant',
      column: 'organizationId',
      nullMeans: 'hidden',
      ...SERVICE_ONLY,
      appendOnly: true,
    },
  },
})
