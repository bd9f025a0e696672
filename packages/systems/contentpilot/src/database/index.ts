/** What ContentPilot adds to its tables in the database. */
import type { ArchiveStore, Retention } from '@tenantry/retention'
import type { Module } from '@tenantry/core'
import { dashboardLive, dashboardStats } from './dashboard.ts'
import { draftMachine, draftText } from './drafts.ts'
import { pastDue, plans, regenerationLimit } from './plans.ts'
import { draftedTopics, retentionWith } from './retention.ts'
import { classifiedTopicSearch, rawTopicSearch, voiceSearch } from './search.ts'
import { tables } from './tables.ts'
import { topicScore } from './topics.ts'

export interface Parts {
  readonly modules: readonly Module[]
  readonly retention: Retention
}

/** `archive`: the store of its jobs; null: they refuse to run. It changes nothing in the database. */
export function partsWith(archive: ArchiveStore | null): Parts {
  const retention = retentionWith(archive)
  return {
    retention,
    modules: [
      tables,
      draftText,
      draftMachine.module,
      topicScore,
      draftedTopics,
      rawTopicSearch.module,
      classifiedTopicSearch.module,
      voiceSearch.module,
      dashboardStats,
      dashboardLive,
      pastDue,
      plans.module,
      regenerationLimit,
      retention.module,
    ],
  }
}
