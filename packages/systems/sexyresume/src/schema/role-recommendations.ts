import { descending, id, oneOf, timestamps } from '@tenantry/core'
import { check, foreignKey, index, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { CONFIDENCE_LEVELS, ROLE_FEEDBACK } from '../types/enums.ts'
import { fraction, ownedBy, score, texts, userId } from './columns.ts'
import { jobRoles } from './job-roles.ts'
import { resumes } from './resumes.ts'

/** Roles that a resume fits, and what the customer says to them. */
export const roleRecommendations = pgTable(
  'role_recommendations',
  {
    id: id(),
    userId: userId(),
    resumeId: uuid('resume_id'),
    jobRoleId: uuid('job_role_id').notNull(),
    matchScore: score('match_score').notNull(),
    confidenceLevel: text('confidence_level', { enum: CONFIDENCE_LEVELS }).notNull(),
    reasoning: text('reasoning').notNull(),
    matchedSkills: texts('matched_skills'),
    skillGaps: texts('skill_gaps'),
    recommendedTemplate: text('recommended_template'),
    highlightSections: texts('highlight_sections'),
    userFeedback: text('user_feedback', { enum: ROLE_FEEDBACK }),
    feedbackNotes: text('feedback_notes'),
    ...timestamps(),
  },
  (table) => [
    ownedBy('role_recommendations', table.userId),
    foreignKey({
      name: 'role_recommendations_resume_id_fkey',
      columns: [table.userId, table.resumeId],
      foreignColumns: [resumes.userId, resumes.id],
    }).onDelete('cascade'),
    foreignKey({
      name: 'role_recommendations_job_role_id_fkey',
      columns: [table.jobRoleId],
      foreignColumns: [jobRoles.id],
    }),
    index('idx_role_recommendations_user_score').on(
      table.userId,
      descending(table.matchScore),
      descending(table.id),
    ),
    index('idx_role_recommendations_resume_id').on(table.resumeId, table.userId),
    index('idx_role_recommendations_job_role_id').on(table.jobRoleId),
    check('role_recommendations_match_score_check', fraction(table.matchScore)),
    check('role_recommendations_confidence_level_check', oneOf(table.confidenceLevel, CONFIDENCE_LEVELS)),
    check('role_recommendations_user_feedback_check', oneOf(table.userFeedback, ROLE_FEEDBACK)),
  ],
)
