import { contextExpressions } from '@tenantry/rls'
import { defineTextSearch, defineVectorSearch } from '@tenantry/search'
import { classifiedTopics, rawTopics, voiceExamples } from '../schema/index.ts'
import { tenancy } from '../tenancy.ts'

const { tenant } = contextExpressions(tenancy)

export const rawTopicSearch = defineTextSearch({
  name: 'search_raw_topics',
  table: rawTopics,
  id: rawTopics.id,
  tenantColumn: rawTopics.userId,
  tenant,
  text: rawTopics.content,
})

export const classifiedTopicSearch = defineTextSearch({
  name: 'search_classified_topics',
  table: classifiedTopics,
  id: classifiedTopics.id,
  tenantColumn: classifiedTopics.userId,
  tenant,
  text: classifiedTopics.content,
})

export const voiceSearch = defineVectorSearch({
  name: 'similar_voice_examples',
  table: voiceExamples,
  id: voiceExamples.id,
  tenantColumn: voiceExamples.userId,
  tenant,
  vector: voiceExamples.vectorEmbedding,
  where: `source.status = 'active'`,
})
