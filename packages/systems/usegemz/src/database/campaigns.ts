import { defineStateMachine } from '@tenantry/workflow'
import { campaigns } from '../schema/index.ts'

/** draft → active → completed; a completed one goes on with another search; any is put away, and brought back. */
export const campaignMachine = defineStateMachine({
  table: campaigns,
  column: 'status',
  initial: ['draft', 'active'],
  edges: {
    draft: ['active', 'archived'],
    active: ['completed', 'archived'],
    completed: ['active', 'archived'],
    archived: ['active'],
  },
})
