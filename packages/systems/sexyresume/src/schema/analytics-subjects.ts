import { createdAt } from '@tenantry/core'
import { pgTable, unique, uuid } from 'drizzle-orm/pg-core'
import { ownedBy } from './columns.ts'

/** Which pseudonym stands for which user. When a row goes, nobody can tell any more whose events they were. */
export const analyticsSubjects = pgTable(
  'analytics_subjects',
  {
    userId: uuid('user_id').primaryKey(),
    subjectId: uuid('subject_id').notNull().defaultRandom(),
    createdAt: createdAt(),
  },
  (table) => [
    ownedBy('analytics_subjects', table.userId),
    unique('analytics_subjects_subject_id_key').on(table.subjectId),
  ],
)
