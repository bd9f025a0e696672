import { descending, id, instant, oneOf, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { PLATFORMS, PUBLISH_STATUSES } from '../types/enums.ts'
import { articles } from './articles.ts'
import { metadataColumn } from './columns.ts'

/** That an article is to be on a platform, once. Whoever has claimed the row publishes it. */
export const publishReferences = pgTable(
  'publish_references',
  {
    id: id(),
    organizationId: uuid('organization_id').notNull(),
    articleId: uuid('article_id').notNull(),
    platform: text('platform', { enum: PLATFORMS }).notNull(),
    platformPostId: text('platform_post_id'),
    platformUrl: text('platform_url'),
    publishStatus: text('publish_status', { enum: PUBLISH_STATUSES }).notNull().default('pending'),
    /** Why the last attempt failed. */
    errorMessage: text('error_message'),
    /** Attempts so far. */
    retryCount: integer('retry_count').notNull().default(0),
    /** Of whoever is publishing it. */
    leaseToken: uuid('lease_token'),
    /** From when on it may be claimed; while it is being published, when the lease ends. */
    availableAt: instant('available_at')
      .notNull()
      .default(sql`now()`),
    metadata: metadataColumn(),
    ...timestamps(),
  },
  (table) => [
    // Its two leading columns are also the index of the article's references.
    unique('publish_references_article_id_platform_key').on(
      table.articleId,
      table.organizationId,
      table.platform,
    ),
    foreignKey({
      name: 'publish_references_article_id_fkey',
      columns: [table.organizationId, table.articleId],
      foreignColumns: [articles.organizationId, articles.id],
    }).onDelete('cascade'),
    index('idx_publish_references_organization_id').on(
      table.organizationId,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_publish_references_platform').on(table.platform),
    index('idx_publish_references_status').on(table.publishStatus, table.availableAt),
    check('publish_references_platform_check', oneOf(table.platform, PLATFORMS)),
    check('publish_references_publish_status_check', oneOf(table.publishStatus, PUBLISH_STATUSES)),
    check('publish_references_retry_count_check', sql`${table.retryCount} >= 0`),
  ],
)
