/**
 * For Drizzle's relational queries. A relation between two tenant tables joins on the tenant as well,
 * as its foreign key does.
 */
import { relations } from 'drizzle-orm'
import { coverLetterDrafts } from './cover-letter-drafts.ts'
import { coverLetters } from './cover-letters.ts'
import { enhancementRequests } from './enhancement-requests.ts'
import { enhancementSuggestions } from './enhancement-suggestions.ts'
import { exports } from './exports.ts'
import { jobRoles } from './job-roles.ts'
import { resumes } from './resumes.ts'
import { roleRecommendations } from './role-recommendations.ts'
import { templateRoleMappings } from './template-role-mappings.ts'
import { userAchievements } from './user-achievements.ts'
import { userEntitlements } from './user-entitlements.ts'
import { users } from './users.ts'

export const usersRelations = relations(users, ({ one, many }) => ({
  entitlements: one(userEntitlements, { fields: [users.id], references: [userEntitlements.userId] }),
  resumes: many(resumes),
  exports: many(exports),
  coverLetters: many(coverLetters),
  achievements: many(userAchievements),
}))

export const resumesRelations = relations(resumes, ({ one, many }) => ({
  user: one(users, { fields: [resumes.userId], references: [users.id] }),
  exports: many(exports),
  enhancementRequests: many(enhancementRequests),
  roleRecommendations: many(roleRecommendations),
  coverLetters: many(coverLetters),
}))

export const exportsRelations = relations(exports, ({ one }) => ({
  user: one(users, { fields: [exports.userId], references: [users.id] }),
  resume: one(resumes, {
    fields: [exports.userId, exports.resumeId],
    references: [resumes.userId, resumes.id],
  }),
}))

export const coverLettersRelations = relations(coverLetters, ({ one, many }) => ({
  user: one(users, { fields: [coverLetters.userId], references: [users.id] }),
  resume: one(resumes, {
    fields: [coverLetters.userId, coverLetters.resumeId],
    references: [resumes.userId, resumes.id],
  }),
  drafts: many(coverLetterDrafts),
}))

export const coverLetterDraftsRelations = relations(coverLetterDrafts, ({ one }) => ({
  coverLetter: one(coverLetters, {
    fields: [coverLetterDrafts.userId, coverLetterDrafts.coverLetterId],
    references: [coverLetters.userId, coverLetters.id],
  }),
}))

export const enhancementRequestsRelations = relations(enhancementRequests, ({ one, many }) => ({
  resume: one(resumes, {
    fields: [enhancementRequests.userId, enhancementRequests.resumeId],
    references: [resumes.userId, resumes.id],
  }),
  suggestions: many(enhancementSuggestions),
}))

export const enhancementSuggestionsRelations = relations(enhancementSuggestions, ({ one }) => ({
  request: one(enhancementRequests, {
    fields: [enhancementSuggestions.userId, enhancementSuggestions.requestId],
    references: [enhancementRequests.userId, enhancementRequests.id],
  }),
}))

export const jobRolesRelations = relations(jobRoles, ({ many }) => ({
  recommendations: many(roleRecommendations),
  templates: many(templateRoleMappings),
}))

export const templateRoleMappingsRelations = relations(templateRoleMappings, ({ one }) => ({
  jobRole: one(jobRoles, { fields: [templateRoleMappings.jobRoleId], references: [jobRoles.id] }),
}))

export const roleRecommendationsRelations = relations(roleRecommendations, ({ one }) => ({
  resume: one(resumes, {
    fields: [roleRecommendations.userId, roleRecommendations.resumeId],
    references: [resumes.userId, resumes.id],
  }),
  jobRole: one(jobRoles, { fields: [roleRecommendations.jobRoleId], references: [jobRoles.id] }),
}))
