import { descending, id, oneOf, timestamps } from '@tenantry/core'
import { leaseColumns } from '@tenantry/workflow'
import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { SECTION_STATUSES } from '../types/enums.ts'
import type { ResearchSource } from '../types/metadata.ts'
import { articles } from './articles.ts'
import { decimal } from './columns.ts'

/** An article's sections, in order. Each is researched and written by whoever has claimed it. */
export const articleSections = pgTable(
  'article_sections',
  {
    id: id(),
    organizationId: uuid('organization_id').notNull(),
    articleId: uuid('article_id').notNull(),
    /** From 1. */
    sectionOrder: integer('section_order').notNull(),
    title: text('title'),
    content: text('content'),
    htmlContent: text('html_content'),
    researchQuery: text('research_query'),
    researchSources: jsonb('research_sources').$type<readonly ResearchSource[]>().notNull().default([]),
    outlinePrompt: text('outline_prompt'),
    modelUsed: text('model_used'),
    tokensUsed: integer('tokens_used'),
    /** Milliseconds. */
    generationTime: integer('generation_time'),
    qualityScore: decimal('quality_score'),
    status: text('status', { enum: SECTION_STATUSES }).notNull().default('pending'),
    ...leaseColumns(),
    ...timestamps(),
  },
  (table) => [
    // Its two leading columns are also the index of the article's sections, in order.
    unique('article_sections_article_id_section_order_key').on(
      table.articleId,
      table.organizationId,
      table.sectionOrder,
    ),
    foreignKey({
      name: 'article_sections_article_id_fkey',
      columns: [table.organizationId, table.articleId],
      foreignColumns: [articles.organizationId, articles.id],
    }).onDelete('cascade'),
    index('idx_sections_organization_id').on(
      table.organizationId,
      table.status,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_sections_status').on(table.status, table.availableAt),
    index('idx_sections_order').on(table.sectionOrder),
    check('article_sections_section_order_check', sql`${table.sectionOrder} >= 1`),
    check('article_sections_status_check', oneOf(table.status, SECTION_STATUSES)),
    check('article_sections_tokens_used_check', sql`${table.tokensUsed} >= 0`),
    check('article_sections_generation_time_check', sql`${table.generationTime} >= 0`),
  ],
)
