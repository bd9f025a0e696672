/** A system of organizations with a machine that has a version, gates and records, over a cycle of states. */
import { id } from '@tenantry/core'
import {
  boolean,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  unique,
  uuid,
} from 'drizzle-orm/pg-core'
import { defineTenancy, tenancyObjects } from '@tenantry/rls'
import { defineTransitions } from '../../src/index.ts'

export const members = pgTable(
  'members',
  { organizationId: uuid('organization_id').notNull(), userId: uuid('user_id').notNull() },
  (table) => [primaryKey({ columns: [table.userId, table.organizationId] })],
)

export const articles = pgTable(
  'articles',
  {
    id: id(),
    organizationId: uuid('organization_id').notNull(),
    state: text('state').notNull().default('draft'),
    version: integer('version').notNull().default(1),
    title: text('title').notNull().default(''),
  },
  (table) => [unique('articles_organization_id').on(table.organizationId, table.id)],
)

export const approvals = pgTable(
  'approvals',
  {
    id: id(),
    organizationId: uuid('organization_id').notNull(),
    articleId: uuid('article_id').notNull(),
    given: boolean('given').notNull(),
  },
  (table) => [index('approvals_article').on(table.organizationId, table.articleId)],
)

export const steps = pgTable(
  'article_steps',
  {
    id: id(),
    organizationId: uuid('organization_id').notNull(),
    articleId: uuid('article_id').notNull(),
    fromState: text('from_state').notNull(),
    toState: text('to_state').notNull(),
    version: integer('version').notNull(),
    idempotencyKey: text('idempotency_key'),
    reason: text('reason'),
    metadata: jsonb('metadata').notNull().default({}),
    actor: uuid('actor'),
    createdAt: timestamp('created_at', { withTimezone: true }).notNull().defaultNow(),
  },
  (table) => [
    unique('article_steps_key').on(table.organizationId, table.articleId, table.idempotencyKey),
    foreignKey({
      name: 'article_steps_article_fkey',
      columns: [table.organizationId, table.articleId],
      foreignColumns: [articles.organizationId, articles.id],
    }),
  ],
)

export const schema = { members, articles, approvals, steps }

export const EDGES = {
  draft: ['review', 'cancelled'],
  review: ['draft', 'published', 'cancelled'],
  published: ['draft'],
  cancelled: [],
} as const

export const articleTransitions = defineTransitions({
  table: articles,
  column: 'state',
  edges: EDGES,
  initial: ['draft'],
  version: 'version',
  tenant: 'organizationId',
  gates: [
    {
      name: 'article_approved',
      from: 'review',
      to: 'published',
      condition: `exists (
        select from public.approvals as approval
        where approval.organization_id = new.organization_id and approval.article_id = new.id and approval.given
      )`,
      message: 'an article is published after somebody approved it',
    },
  ],
  record: {
    table: steps,
    columns: {
      row: 'articleId',
      tenant: 'organizationId',
      from: 'fromState',
      to: 'toState',
      version: 'version',
      idempotencyKey: 'idempotencyKey',
      reason: 'reason',
      metadata: 'metadata',
      actor: 'actor',
    },
    actor: 'tenantry.current_user_uuid()',
  },
})

export const tenancy = defineTenancy({
  kind: 'organization',
  schema,
  membership: { table: members, user: members.userId, organization: members.organizationId },
  tables: {
    members: { class: 'tenant', column: 'userId', of: 'user', insert: false, update: false, delete: false },
    articles: { class: 'tenant', column: 'organizationId', managed: ['version'] },
    approvals: { class: 'tenant', column: 'organizationId' },
    steps: { class: 'tenant', column: 'organizationId', update: false, delete: false },
  },
})

export const objects = [...tenancyObjects(tenancy), ...articleTransitions.module.objects]
