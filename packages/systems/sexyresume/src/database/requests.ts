import { defineClaims, defineStateMachine } from '@tenantry/workflow'
import { enhancementRequests, enhancementSuggestions, exports } from '../schema/index.ts'

/**
 * pending → processing → completed | failed; failed → pending, to be tried again. Workers claim requests: the
 * work of one that dies is taken over when its lease has run out.
 */
export const enhancementClaims = defineClaims({
  table: enhancementRequests,
  tenant: 'userId',
  state: {
    column: 'processingStatus',
    ready: 'pending',
    working: 'processing',
    done: 'completed',
    failed: 'failed',
  },
  edges: { failed: ['pending'] },
  stamps: { completed: 'completedAt' },
  columns: { lastError: 'errorMessage' },
  // An enhancement takes the model half a minute.
  leaseSeconds: 120,
  maxAttempts: 3,
})

/** The same way for files: pending → processing → completed | failed; failed → pending. */
export const exportClaims = defineClaims({
  table: exports,
  tenant: 'userId',
  state: { column: 'status', ready: 'pending', working: 'processing', done: 'completed', failed: 'failed' },
  edges: { failed: ['pending'] },
  stamps: { completed: 'completedAt' },
  columns: { lastError: 'errorMessage' },
  leaseSeconds: 120,
  maxAttempts: 3,
})

/** pending → accepted | rejected | modified: a decision is taken once. What is applied is stamped. */
export const suggestionMachine = defineStateMachine({
  table: enhancementSuggestions,
  column: 'userAction',
  initial: ['pending'],
  edges: { pending: ['accepted', 'rejected', 'modified'], accepted: [], rejected: [], modified: [] },
  stamps: { accepted: 'appliedAt', modified: 'appliedAt' },
  requires: {
    modified: {
      condition: `new.user_modified_text ~ '\\S'`,
      on: ['userModifiedText'],
      message: 'a modified suggestion needs the text that the customer made of it (user_modified_text)',
    },
  },
})
