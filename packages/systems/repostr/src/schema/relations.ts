/**
 * For Drizzle's relational queries. A relation between two tenant tables joins on the tenant as well,
 * as its foreign key does.
 */
import { relations } from 'drizzle-orm'
import { files } from './files.ts'
import { outputsArchive } from './outputs-archive.ts'
import { outputs } from './outputs.ts'
import { projects } from './projects.ts'

export const projectsRelations = relations(projects, ({ many }) => ({
  files: many(files),
  outputs: many(outputs),
  archivedOutputs: many(outputsArchive),
}))

export const filesRelations = relations(files, ({ one }) => ({
  project: one(projects, {
    fields: [files.userId, files.projectId],
    references: [projects.userId, projects.id],
  }),
}))

export const outputsRelations = relations(outputs, ({ one }) => ({
  project: one(projects, {
    fields: [outputs.userId, outputs.projectId],
    references: [projects.userId, projects.id],
  }),
}))

export const outputsArchiveRelations = relations(outputsArchive, ({ one }) => ({
  project: one(projects, {
    fields: [outputsArchive.userId, outputsArchive.projectId],
    references: [projects.userId, projects.id],
  }),
}))
