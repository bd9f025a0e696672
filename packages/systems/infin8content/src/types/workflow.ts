/** The steps between the states of a workflow. Nothing but lists is imported here: browsers load it. */
import { WORKFLOW_PHASES, WORKFLOW_STATES, type WorkflowPhase, type WorkflowState } from './enums.ts'

/** What a person must have approved before a workflow may take up a state. */
export const APPROVAL_GATES = {
  SEED_REVIEW_COMPLETED: 'seed_keywords',
  ARTICLE_PENDING: 'clusters',
  ARTICLE_PROCESSING: 'subtopics',
} as const

function stateOf(phase: WorkflowPhase, part: string): WorkflowState {
  const name = `${phase}_${part}`
  const state = WORKFLOW_STATES.find((each) => each === name)
  if (state === undefined) throw new Error(`No state ${name}`)
  return state
}

/** Pending, processing, completed or failed; completed leads to the next phase, failed back to pending. */
function next(state: WorkflowState): readonly WorkflowState[] {
  if (state === 'CREATED') return ['ICP_PENDING', 'CANCELLED']
  if (state === 'CANCELLED' || state === 'COMPLETED') return []
  const at = WORKFLOW_PHASES.findIndex((phase) => state.startsWith(`${phase}_`))
  const phase = WORKFLOW_PHASES[at] ?? 'ICP'
  const following = WORKFLOW_PHASES[at + 1]
  switch (state.slice(phase.length + 1)) {
    case 'PENDING':
      return [stateOf(phase, phase === 'SEED_REVIEW' ? 'COMPLETED' : 'PROCESSING'), 'CANCELLED']
    case 'PROCESSING':
      return [stateOf(phase, 'COMPLETED'), stateOf(phase, 'FAILED'), 'CANCELLED']
    case 'FAILED':
      return [stateOf(phase, 'PENDING'), 'CANCELLED']
    default:
      return [following === undefined ? 'COMPLETED' : stateOf(following, 'PENDING'), 'CANCELLED']
  }
}

/** For each state, the states that may follow it. */
export const WORKFLOW_EDGES = Object.freeze(
  Object.fromEntries(WORKFLOW_STATES.map((state) => [state, next(state)])),
) as { readonly [S in WorkflowState]: readonly WorkflowState[] }

/** Of a state, 1 to 7; CREATED counts as the first phase, the two ends as none. */
export function stepOf(state: WorkflowState): number | null {
  if (state === 'CREATED') return 1
  const at = WORKFLOW_PHASES.findIndex((phase) => state.startsWith(`${phase}_`))
  return at < 0 ? null : at + 1
}
