import { id, oneOf, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { boolean, check, index, integer, pgTable, text, vector } from 'drizzle-orm/pg-core'
import { EMBEDDING_DIMENSIONS, GROWTH_OUTLOOKS, SENIORITY_LEVELS } from '../types/enums.ts'
import { fraction, score, texts } from './columns.ts'

/** Roles that resumes are matched with; the same for everyone. */
export const jobRoles = pgTable(
  'job_roles',
  {
    id: id(),
    title: text('title').notNull(),
    normalizedTitle: text('normalized_title').notNull(),
    industryCategory: text('industry_category').notNull(),
    seniorityLevel: text('seniority_level', { enum: SENIORITY_LEVELS }).notNull(),
    requiredSkills: texts('required_skills'),
    preferredSkills: texts('preferred_skills'),
    typicalExperienceYears: integer('typical_experience_years'),
    /** Per year, in whole units of the currency that the catalogue is kept in. */
    salaryRangeMin: integer('salary_range_min'),
    salaryRangeMax: integer('salary_range_max'),
    growthOutlook: text('growth_outlook', { enum: GROWTH_OUTLOOKS }),
    remoteFriendly: boolean('remote_friendly').notNull().default(false),
    description: text('description'),
    keyResponsibilities: text('key_responsibilities').array(),
    embedding: vector('embedding', { dimensions: EMBEDDING_DIMENSIONS }),
    popularityScore: score('popularity_score').notNull().default(0),
    ...timestamps(),
  },
  (table) => [
    index('idx_job_roles_embedding').using('hnsw', table.embedding.op('vector_cosine_ops')),
    index('idx_job_roles_normalized_title').on(table.normalizedTitle),
    index('idx_job_roles_industry').on(table.industryCategory, table.seniorityLevel),
    check('job_roles_seniority_level_check', oneOf(table.seniorityLevel, SENIORITY_LEVELS)),
    check('job_roles_growth_outlook_check', oneOf(table.growthOutlook, GROWTH_OUTLOOKS)),
    check('job_roles_popularity_score_check', fraction(table.popularityScore)),
    check('job_roles_salary_range_check', sql`${table.salaryRangeMin} <= ${table.salaryRangeMax}`),
  ],
)
