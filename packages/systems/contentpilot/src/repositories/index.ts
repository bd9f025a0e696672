/** The repositories of a scope, by the names under which it offers them. */
import { defineRepository } from '@tenantry/repository'
import * as schema from '../schema/index.ts'

const newest = [{ createdAt: 'desc' }] as const

export const repositories = {
  users: defineRepository(schema.users, { tenant: 'id', defaultSort: newest }),
  profiles: defineRepository(schema.profiles, { tenant: 'userId', defaultSort: newest }),
  subscriptions: defineRepository(schema.subscriptions, { tenant: 'userId', defaultSort: newest }),
  pillars: defineRepository(schema.pillars, { tenant: 'userId', defaultSort: newest }),
  voiceExamples: defineRepository(schema.voiceExamples, { tenant: 'userId', defaultSort: newest }),
  rawTopics: defineRepository(schema.rawTopics, { tenant: 'userId', defaultSort: newest }),
  topics: defineRepository(schema.classifiedTopics, { tenant: 'userId', defaultSort: newest }),
  drafts: defineRepository(schema.generatedDrafts, { tenant: 'userId', defaultSort: newest }),
  usage: defineRepository(schema.usageTracking, {
    tenant: 'userId',
    key: ['id', 'createdAt'],
    defaultSort: newest,
  }),
  usageMonthly: defineRepository(schema.usageMonthly, {
    tenant: 'userId',
    key: ['resourceType', 'month'],
    defaultSort: [{ month: 'desc' }],
  }),
  auditLogs: defineRepository(schema.auditLogs, { tenant: 'userId', defaultSort: newest }),
  secrets: defineRepository(schema.userSecrets, { tenant: 'userId', defaultSort: newest }),
}
