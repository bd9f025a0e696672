import { descending, id, oneOf, timestamps } from '@tenantry/core'
import { sql, type SQL } from 'drizzle-orm'
import {
  boolean,
  check,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  text,
  unique,
  uuid,
} from 'drizzle-orm/pg-core'
import {
  EXPANSION_STATUSES,
  FILTER_STATUSES,
  KEYWORD_ARTICLE_STATUSES,
  KEYWORD_TYPES,
} from '../types/enums.ts'
import type { SuggestedSubtopic } from '../types/metadata.ts'
import { decimal, metadataColumn } from './columns.ts'
import { intentWorkflows } from './intent-workflows.ts'
import { organizationCompetitors } from './organization-competitors.ts'
import { organizations } from './organizations.ts'

/**
 * Seeds, their longtails, and the longtails' subtopics. That they nest so, within one workflow, is said by a
 * foreign key that carries the parent's type; since a seed has no parent, there can be no cycle.
 */
export const keywords = pgTable(
  'keywords',
  {
    id: id(),
    organizationId: uuid('organization_id').notNull(),
    workflowId: uuid('workflow_id'),
    competitorUrlId: uuid('competitor_url_id'),
    /** Of a longtail its seed, of a subtopic its longtail. */
    parentSeedKeywordId: uuid('parent_seed_keyword_id'),
    /** What the parent must be. */
    parentKeywordType: text('parent_keyword_type').generatedAlwaysAs(
      (): SQL =>
        sql`case ${keywords.keywordType} when 'longtail' then 'seed' when 'subtopic' then 'longtail' end`,
    ),
    /** The workflow; the organization, where there is none. Keys of several columns don't hold for nulls. */
    workflowScope: uuid('workflow_scope')
      .notNull()
      .generatedAlwaysAs((): SQL => sql`coalesce(${keywords.workflowId}, ${keywords.organizationId})`),
    keyword: text('keyword').notNull(),
    /** As keywords are compared: in lower case, without space around. */
    keywordNormalized: text('keyword_normalized')
      .notNull()
      .generatedAlwaysAs(
        (): SQL => sql`lower(regexp_replace(${keywords.keyword}, '^[[:space:]]+|[[:space:]]+$', '', 'g'))`,
      ),
    keywordType: text('keyword_type', { enum: KEYWORD_TYPES }).notNull(),
    longtailStatus: text('longtail_status', { enum: EXPANSION_STATUSES }).notNull().default('not_started'),
    subtopicsStatus: text('subtopics_status', { enum: EXPANSION_STATUSES }).notNull().default('not_started'),
    articleStatus: text('article_status', { enum: KEYWORD_ARTICLE_STATUSES })
      .notNull()
      .default('not_started'),
    filterStatus: text('filter_status', { enum: FILTER_STATUSES }).notNull().default('not_started'),
    /** Searches a month. */
    searchVolume: integer('search_volume'),
    competitionIndex: decimal('competition_index'),
    costPerClick: decimal('cost_per_click'),
    /** 0 easy, 100 hard. */
    keywordDifficulty: integer('keyword_difficulty'),
    aiSuggested: boolean('ai_suggested').notNull().default(false),
    userSelected: boolean('user_selected').notNull().default(false),
    decisionConfidence: decimal('decision_confidence'),
    decisionMetadata: metadataColumn('decision_metadata'),
    subtopics: jsonb('subtopics').$type<readonly SuggestedSubtopic[]>().notNull().default([]),
    /** Where it comes from: a data service, or a person. */
    source: text('source'),
    metadata: metadataColumn(),
    ...timestamps(),
  },
  (table) => [
    // Targets of keys that carry the tenant, and with it the workflow or the type.
    unique('keywords_organization_id_id_key').on(table.organizationId, table.id),
    unique('keywords_workflow_scope_id_key').on(table.organizationId, table.workflowScope, table.id),
    unique('keywords_workflow_scope_id_type_key').on(
      table.organizationId,
      table.workflowScope,
      table.id,
      table.keywordType,
    ),
    unique('keywords_organization_id_keyword_workflow_id_key')
      .on(table.organizationId, table.keywordNormalized, table.workflowId)
      .nullsNotDistinct(),
    foreignKey({
      name: 'keywords_organization_id_fkey',
      columns: [table.organizationId],
      foreignColumns: [organizations.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'keywords_workflow_id_fkey',
      columns: [table.organizationId, table.workflowId],
      foreignColumns: [intentWorkflows.organizationId, intentWorkflows.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'keywords_competitor_url_id_fkey',
      columns: [table.organizationId, table.competitorUrlId],
      foreignColumns: [organizationCompetitors.organizationId, organizationCompetitors.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'keywords_parent_seed_keyword_id_fkey',
      columns: [
        table.organizationId,
        table.workflowScope,
        table.parentSeedKeywordId,
        table.parentKeywordType,
      ],
      foreignColumns: [table.organizationId, table.workflowScope, table.id, table.keywordType],
    }).onDelete('cascade'),
    index('idx_keywords_organization_id').on(
      table.organizationId,
      descending(table.createdAt),
      descending(table.id),
    ),
    index('idx_keywords_workflow_id').on(table.workflowId, table.organizationId),
    index('idx_keywords_workflow_type').on(table.workflowId, table.keywordType, table.organizationId),
    index('idx_keywords_parent_seed').on(
      table.parentSeedKeywordId,
      table.organizationId,
      table.workflowScope,
      table.parentKeywordType,
    ),
    index('idx_keywords_competitor_url_id').on(table.competitorUrlId, table.organizationId),
    index('idx_keywords_type').on(table.keywordType),
    index('idx_keywords_status').on(table.longtailStatus, table.subtopicsStatus, table.articleStatus),
    index('idx_keywords_ai_suggested').on(table.aiSuggested),
    // One organization's work list; the three above mix all organizations'.
    index('idx_keywords_org_status').on(
      table.organizationId,
      table.articleStatus,
      descending(table.createdAt),
      descending(table.id),
    ),
    check('keywords_keyword_check', sql`${table.keywordNormalized} <> ''`),
    check('keywords_keyword_type_check', oneOf(table.keywordType, KEYWORD_TYPES)),
    check(
      'keywords_parent_check',
      sql`(${table.keywordType} = 'seed') = (${table.parentSeedKeywordId} is null)`,
    ),
    check('keywords_longtail_status_check', oneOf(table.longtailStatus, EXPANSION_STATUSES)),
    check('keywords_subtopics_status_check', oneOf(table.subtopicsStatus, EXPANSION_STATUSES)),
    check('keywords_article_status_check', oneOf(table.articleStatus, KEYWORD_ARTICLE_STATUSES)),
    check('keywords_filter_status_check', oneOf(table.filterStatus, FILTER_STATUSES)),
    check('keywords_search_volume_check', sql`${table.searchVolume} >= 0`),
  ],
)
