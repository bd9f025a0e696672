/** Every documented flow of a status that isn't claimed work, and no other step. */
import { defineStateMachine } from '@tenantry/workflow'
import { articles, keywords, organizationInvitations } from '../schema/index.ts'

export const invitationMachine = defineStateMachine({
  table: organizationInvitations,
  column: 'status',
  initial: ['pending'],
  edges: { pending: ['accepted', 'revoked'], accepted: [], revoked: [] },
  stamps: { accepted: 'acceptedAt' },
  requires: {
    accepted: {
      condition: 'new.expires_at > pg_catalog.now()',
      on: [],
      message: 'the invitation has expired',
    },
  },
})

/** Work that may fail, be tried again, and be done anew. */
const EXPANSION = {
  not_started: ['processing'],
  processing: ['complete', 'failed'],
  complete: ['processing'],
  failed: ['processing'],
} as const

/** Whatever was found by an import comes in as it is. */
const IMPORTED = ['not_started', 'complete'] as const

export const longtailMachine = defineStateMachine({
  table: keywords,
  column: 'longtailStatus',
  initial: IMPORTED,
  edges: EXPANSION,
})

export const subtopicsMachine = defineStateMachine({
  table: keywords,
  column: 'subtopicsStatus',
  initial: IMPORTED,
  edges: EXPANSION,
})

/** `ready`: chosen for an article that nobody has begun. */
export const keywordArticleMachine = defineStateMachine({
  table: keywords,
  column: 'articleStatus',
  initial: ['not_started', 'ready', 'complete'],
  edges: {
    not_started: ['ready'],
    ready: ['processing', 'not_started'],
    processing: ['complete', 'failed'],
    complete: ['ready'],
    failed: ['ready', 'processing'],
  },
})

export const filterMachine = defineStateMachine({
  table: keywords,
  column: 'filterStatus',
  initial: ['not_started', 'approved', 'rejected'],
  edges: {
    not_started: ['approved', 'rejected'],
    approved: ['rejected'],
    rejected: ['approved'],
  },
})

/** An article may be generated anew until it is published. */
export const articleMachine = defineStateMachine({
  table: articles,
  column: 'status',
  initial: ['draft', 'completed', 'published'],
  edges: {
    draft: ['generating'],
    generating: ['completed', 'failed'],
    failed: ['generating', 'draft'],
    completed: ['published', 'generating'],
    published: [],
  },
  stamps: { completed: 'completedAt', published: 'publishedAt' },
})

/** Of publishing on a platform. One that is out can be sent once more, to change it there. */
export const articlePublishMachine = defineStateMachine({
  table: articles,
  column: 'publishStatus',
  initial: ['not_published', 'published'],
  edges: {
    not_published: ['publishing'],
    publishing: ['published', 'failed'],
    published: ['publishing'],
    failed: ['publishing', 'not_published'],
  },
})

export const statusMachines = [
  invitationMachine,
  longtailMachine,
  subtopicsMachine,
  keywordArticleMachine,
  filterMachine,
  articleMachine,
  articlePublishMachine,
]
