import { id, instant, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { check, foreignKey, index, integer, jsonb, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import type { ResearchResults } from '../types/metadata.ts'
import { metadataColumn } from './columns.ts'
import { organizations } from './organizations.ts'

/**
 * Answers of the research service, kept for a day. A row that somebody is filling has expired from its
 * beginning, so nobody takes it for an answer.
 */
export const tavilyResearchCache = pgTable(
  'tavily_research_cache',
  {
    id: id(),
    organizationId: uuid('organization_id').notNull(),
    /** Normalized by a trigger: lower case, one space between words, none around. */
    researchQuery: text('research_query').notNull(),
    researchResults: jsonb('research_results').$type<ResearchResults>().notNull(),
    cachedUntil: instant('cached_until').notNull(),
    sourceCount: integer('source_count'),
    metadata: metadataColumn(),
    /** Of whoever is asking the research service; null when nobody is. */
    fillToken: uuid('fill_token'),
    /** From then on another may ask. */
    fillUntil: instant('fill_until'),
    ...timestamps(),
  },
  (table) => [
    // Also the index of an organization's entries.
    unique('tavily_research_cache_organization_id_research_query_key').on(
      table.organizationId,
      table.researchQuery,
    ),
    foreignKey({
      name: 'tavily_research_cache_organization_id_fkey',
      columns: [table.organizationId],
      foreignColumns: [organizations.id],
    }).onDelete('cascade'),
    index('idx_tavily_cache_query').on(table.researchQuery),
    // Serves idx_tavily_cache_expiry too, whose predicate on now() can't be indexed.
    index('idx_tavily_cache_cached_until').on(table.cachedUntil),
    index('idx_tavily_cache_lookup').on(
      table.organizationId,
      sql`lower(${table.researchQuery})`,
      table.cachedUntil,
    ),
    check('tavily_research_cache_research_query_check', sql`${table.researchQuery} <> ''`),
    check('tavily_research_cache_source_count_check', sql`${table.sourceCount} >= 0`),
    check(
      'tavily_research_cache_fill_check',
      sql`(${table.fillToken} is null) = (${table.fillUntil} is null)`,
    ),
  ],
)
