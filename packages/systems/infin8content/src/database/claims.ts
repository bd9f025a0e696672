import { defineClaims } from '@tenantry/workflow'
import { articleSections, publishReferences } from '../schema/index.ts'

/** A section is researched, then written. Ten minutes is more than a language model takes for one. */
export const sectionClaims = defineClaims({
  table: articleSections,
  tenant: 'organizationId',
  state: {
    column: 'status',
    ready: 'pending',
    working: ['researching', 'generating'],
    done: 'completed',
    failed: 'failed',
  },
  // By hand: once more after it was given up, and anew after it was done.
  edges: { failed: ['pending'], completed: ['pending'] },
  initial: ['pending', 'completed'],
  leaseSeconds: 600,
  maxAttempts: 3,
})

/** One row for each article and platform, so that whatever is tried again publishes no second time. */
export const publishClaims = defineClaims({
  table: publishReferences,
  tenant: 'organizationId',
  state: {
    column: 'publishStatus',
    ready: 'pending',
    working: 'publishing',
    done: 'published',
    failed: 'failed',
  },
  edges: { failed: ['pending'], published: ['pending'] },
  initial: ['pending', 'published'],
  columns: { attempts: 'retryCount', lastError: 'errorMessage' },
  leaseSeconds: 120,
  maxAttempts: 5,
  backoff: { baseSeconds: 30, maxSeconds: 3_600 },
})
