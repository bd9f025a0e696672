import { lazyModule } from '@tenantry/core'
import { sqlFunction, touchUpdatedAt, trigger } from '@tenantry/ddl'
import { contextExpressions } from '@tenantry/rls'
import type { PgTable } from 'drizzle-orm/pg-core'
import {
  articles,
  articleSections,
  intentApprovals,
  intentWorkflows,
  keywords,
  organizationCompetitors,
  organizationInvitations,
  organizations,
  organizationSubscriptions,
  publishReferences,
  rateLimits,
  tavilyResearchCache,
  usageTracking,
  userOrganizations,
  users,
} from '../schema/index.ts'
import { tenancy } from '../tenancy.ts'

const { user } = contextExpressions(tenancy)

/** Whoever acts is noted as who they are; the service role, which is nobody, says for whom it acts. */
function author(table: PgTable, column: string, events: readonly ['insert', 'update'] | readonly ['insert']) {
  const name = `stamp_${column}`
  return [
    sqlFunction({
      schema: 'tenantry',
      name,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      body: `begin\n  new.${column} := coalesce(${user}, new.${column});\n  return new;\nend`,
    }),
    trigger({ table, name, timing: 'before', events: [...events], execute: { schema: 'tenantry', name } }),
  ]
}

/** What rows say about when and by whom. */
export const stamps = lazyModule({
  name: 'stamps',
  objects: () =>
    [
      ...touchUpdatedAt([
        users,
        organizations,
        userOrganizations,
        organizationSubscriptions,
        organizationInvitations,
        organizationCompetitors,
        intentWorkflows,
        keywords,
        articles,
        articleSections,
        publishReferences,
        tavilyResearchCache,
        rateLimits,
        usageTracking,
      ]),
      ...author(intentWorkflows, 'created_by', ['insert']),
      ...author(articles, 'created_by', ['insert']),
      ...author(organizationInvitations, 'invited_by', ['insert']),
      // Whoever decides anew has decided.
      ...author(intentApprovals, 'user_id', ['insert', 'update']),
    ].filter((object, index, all) => all.findIndex(({ id }) => id === object.id) === index),
})
