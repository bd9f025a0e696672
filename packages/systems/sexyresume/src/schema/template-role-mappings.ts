import { id, timestamps } from '@tenantry/core'
import { check, foreignKey, pgTable, text, unique, uuid } from 'drizzle-orm/pg-core'
import { fraction, score, texts } from './columns.ts'
import { jobRoles } from './job-roles.ts'

/** Which template suits which role, and what it should bring out. */
export const templateRoleMappings = pgTable(
  'template_role_mappings',
  {
    id: id(),
    jobRoleId: uuid('job_role_id').notNull(),
    template: text('template').notNull(),
    matchScore: score('match_score').notNull().default(0),
    highlightSections: texts('highlight_sections'),
    ...timestamps(),
  },
  (table) => [
    foreignKey({
      name: 'template_role_mappings_job_role_id_fkey',
      columns: [table.jobRoleId],
      foreignColumns: [jobRoles.id],
    }).onDelete('cascade'),
    unique('template_role_mappings_job_role_id_template_key').on(table.jobRoleId, table.template),
    check('template_role_mappings_match_score_check', fraction(table.matchScore)),
  ],
)
