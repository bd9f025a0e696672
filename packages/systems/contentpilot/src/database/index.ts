/** What ContentPilot adds to its tables in the database. */
import type { Module } from '@tenantry/core'
import { dashboard } from './dashboard.ts'
import { draftMachine, draftText } from './drafts.ts'
import { classifiedTopicSearch, rawTopicSearch, voiceSearch } from './search.ts'
import { tables } from './tables.ts'
import { topicScore } from './topics.ts'

export const modules: readonly Module[] = [
  tables,
  draftText,
  draftMachine.module,
  topicScore,
  rawTopicSearch.module,
  classifiedTopicSearch.module,
  voiceSearch.module,
  dashboard,
]
