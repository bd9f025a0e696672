import { defineTenancy } from '@tenantry/rls'
import * as schema from './schema/index.ts'

const SERVICE_ONLY = { insert: false, update: false, delete: false } as const

/**
 * Whose each row is: the person's, in every table but the settings of the whole product. Administrators read
 * everything. Trials, subscriptions, results and the work on jobs are the service role's to write, and nobody
 * writes who is an administrator: that is a function's, in database/admins.ts.
 */
export const tenancy = defineTenancy({
  kind: 'user-text',
  schema,
  readers: {
    table: schema.userProfiles,
    user: schema.userProfiles.userId,
    condition: 'reader.is_admin',
    tenants: schema.userProfiles.userId,
  },
  tables: {
    userProfiles: {
      class: 'tenant',
      column: 'userId',
      insert: false,
      update: [
        'name',
        'companyName',
        'industry',
        'onboardingStep',
        'fullName',
        'businessName',
        'brandDescription',
      ],
      delete: false,
    },
    campaigns: { class: 'tenant', column: 'userId' },
    scrapingJobs: {
      class: 'tenant',
      column: 'userId',
      insert: [
        'userId',
        'campaignId',
        'platform',
        'keywords',
        'targetUsername',
        'searchParams',
        'region',
        'targetResults',
      ],
      update: false,
      delete: false,
    },
    scrapingResults: { class: 'tenant', column: 'userId', ...SERVICE_ONLY },
    searchJobs: { class: 'tenant', column: 'userId', ...SERVICE_ONLY },
    searchResults: { class: 'tenant', column: 'userId', ...SERVICE_ONLY },
    systemConfigurations: { class: 'internal', readers: true },
  },
})
