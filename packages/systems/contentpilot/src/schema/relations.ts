/**
 * For Drizzle's relational queries. A relation between two tenant tables joins on the tenant as well,
 * as its foreign key does.
 */
import { relations } from 'drizzle-orm'
import { classifiedTopics } from './classified-topics.ts'
import { generatedDrafts } from './generated-drafts.ts'
import { pillars } from './pillars.ts'
import { profiles } from './profiles.ts'
import { rawTopics } from './raw-topics.ts'
import { subscriptions } from './subscriptions.ts'
import { usageMonthly } from './usage-monthly.ts'
import { usageTracking } from './usage-tracking.ts'
import { userSecrets } from './user-secrets.ts'
import { users } from './users.ts'
import { voiceExamples } from './voice-examples.ts'

export const usersRelations = relations(users, ({ one, many }) => ({
  profile: one(profiles),
  subscription: one(subscriptions),
  pillars: many(pillars),
  voiceExamples: many(voiceExamples),
  rawTopics: many(rawTopics),
  classifiedTopics: many(classifiedTopics),
  generatedDrafts: many(generatedDrafts),
  usageTracking: many(usageTracking),
  usageMonthly: many(usageMonthly),
  secrets: many(userSecrets),
}))

export const profilesRelations = relations(profiles, ({ one }) => ({
  user: one(users, { fields: [profiles.userId], references: [users.id] }),
}))

export const subscriptionsRelations = relations(subscriptions, ({ one }) => ({
  user: one(users, { fields: [subscriptions.userId], references: [users.id] }),
}))

export const pillarsRelations = relations(pillars, ({ one, many }) => ({
  user: one(users, { fields: [pillars.userId], references: [users.id] }),
  voiceExamples: many(voiceExamples),
  classifiedTopics: many(classifiedTopics),
  generatedDrafts: many(generatedDrafts),
}))

export const voiceExamplesRelations = relations(voiceExamples, ({ one }) => ({
  user: one(users, { fields: [voiceExamples.userId], references: [users.id] }),
  pillar: one(pillars, {
    fields: [voiceExamples.userId, voiceExamples.pillarId],
    references: [pillars.userId, pillars.id],
  }),
}))

export const rawTopicsRelations = relations(rawTopics, ({ one }) => ({
  user: one(users, { fields: [rawTopics.userId], references: [users.id] }),
  classifiedTopic: one(classifiedTopics),
}))

export const classifiedTopicsRelations = relations(classifiedTopics, ({ one, many }) => ({
  user: one(users, { fields: [classifiedTopics.userId], references: [users.id] }),
  rawTopic: one(rawTopics, {
    fields: [classifiedTopics.userId, classifiedTopics.rawTopicId],
    references: [rawTopics.userId, rawTopics.id],
  }),
  pillar: one(pillars, {
    fields: [classifiedTopics.userId, classifiedTopics.pillarId],
    references: [pillars.userId, pillars.id],
  }),
  generatedDrafts: many(generatedDrafts),
}))

export const generatedDraftsRelations = relations(generatedDrafts, ({ one }) => ({
  user: one(users, { fields: [generatedDrafts.userId], references: [users.id] }),
  topic: one(classifiedTopics, {
    fields: [generatedDrafts.userId, generatedDrafts.topicId],
    references: [classifiedTopics.userId, classifiedTopics.id],
  }),
  pillar: one(pillars, {
    fields: [generatedDrafts.userId, generatedDrafts.pillarId],
    references: [pillars.userId, pillars.id],
  }),
}))

export const usageTrackingRelations = relations(usageTracking, ({ one }) => ({
  user: one(users, { fields: [usageTracking.userId], references: [users.id] }),
}))

export const usageMonthlyRelations = relations(usageMonthly, ({ one }) => ({
  user: one(users, { fields: [usageMonthly.userId], references: [users.id] }),
}))

export const userSecretsRelations = relations(userSecrets, ({ one }) => ({
  user: one(users, { fields: [userSecrets.userId], references: [users.id] }),
}))
