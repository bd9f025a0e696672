import { descending, id, instant, oneOf, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { bigint, check, foreignKey, index, integer, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { ARTICLE_PUBLISH_STATUSES, ARTICLE_STATUSES } from '../types/enums.ts'
import { decimal } from './columns.ts'
import { intentWorkflows } from './intent-workflows.ts'
import { keywords } from './keywords.ts'
import { organizations } from './organizations.ts'
import { users } from './users.ts'

/** What is written about a keyword, section by section. */
export const articles = pgTable(
  'articles',
  {
    id: id(),
    organizationId: uuid('organization_id').notNull(),
    workflowId: uuid('workflow_id'),
    keywordId: uuid('keyword_id'),
    title: text('title').notNull(),
    slug: text('slug'),
    content: text('content'),
    excerpt: text('excerpt'),
    status: text('status', { enum: ARTICLE_STATUSES }).notNull().default('draft'),
    publishStatus: text('publish_status', { enum: ARTICLE_PUBLISH_STATUSES })
      .notNull()
      .default('not_published'),
    metaTitle: text('meta_title'),
    metaDescription: text('meta_description'),
    focusKeyword: text('focus_keyword'),
    wordCount: integer('word_count'),
    /** Minutes. */
    readingTime: integer('reading_time'),
    qualityScore: decimal('quality_score'),
    seoScore: decimal('seo_score'),
    wordpressPostId: bigint('wordpress_post_id', { mode: 'number' }),
    wordpressUrl: text('wordpress_url'),
    publishedAt: instant('published_at'),
    /** When its text was first whole: from then on it counts, whatever becomes of writing it anew. */
    completedAt: instant('completed_at'),
    /** When a part of its text could first be read: it counts from then on too, though the part be emptied again. */
    deliveredAt: instant('delivered_at'),
    /** The user of the context, whatever a statement says; named by the service role only. */
    createdBy: uuid('created_by'),
    ...timestamps(),
  },
  (table) => [
    // The target of keys that carry the tenant. A constraint, since they are added before any index.
    unique('articles_organization_id_id_key').on(table.organizationId, table.id),
    foreignKey({
      name: 'articles_organization_id_fkey',
      columns: [table.organizationId],
      foreignColumns: [organizations.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'articles_workflow_id_fkey',
      columns: [table.organizationId, table.workflowId],
      foreignColumns: [intentWorkflows.organizationId, intentWorkflows.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'articles_keyword_id_fkey',
      columns: [table.organizationId, table.keywordId],
      foreignColumns: [keywords.organizationId, keywords.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'articles_created_by_fkey',
      columns: [table.createdBy],
      foreignColumns: [users.id],
    }).onDelete('set null'),
    index('idx_articles_organization_id').on(
      table.organizationId,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_articles_workflow_id').on(table.workflowId, table.organizationId),
    index('idx_articles_keyword_id').on(table.keywordId, table.organizationId),
    index('idx_articles_status').on(table.status),
    index('idx_articles_created_by').on(table.createdBy),
    index('idx_articles_org_status').on(
      table.organizationId,
      table.status,
      descending(table.createdAt),
      descending(table.id),
    ),
    check('articles_status_check', oneOf(table.status, ARTICLE_STATUSES)),
    check('articles_publish_status_check', oneOf(table.publishStatus, ARTICLE_PUBLISH_STATUSES)),
    check('articles_word_count_check', sql`${table.wordCount} >= 0`),
    check('articles_reading_time_check', sql`${table.readingTime} >= 0`),
  ],
)
