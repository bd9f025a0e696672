export { assign, changeState, type StateChange } from './change-state.ts'
export {
  type Backlog,
  type Claim,
  type ClaimBatch,
  type ClaimKey,
  type Claims,
  type ClaimValues,
  defineClaims,
  type FailOptions,
  type FailOutcome,
  type FinishOptions,
  type FinishOutcome,
  type ReleaseOutcome,
  type RenewOptions,
  type RenewOutcome,
  type TakeOptions,
} from './claims/claims.ts'
export { leaseColumns } from './claims/lease-columns.ts'
export type { BackoffOptions, ClaimsOptions, ClaimStates } from './claims/options.ts'
export {
  defineStateMachine,
  type StateMachine,
  type StateMachineOptions,
  type StateRequirement,
  type StepGate,
} from './state-machine.ts'
export type { TransitionRecord, TransitionsOptions } from './transitions/options.ts'
export {
  defineTransitions,
  type MoveOptions,
  type Transition,
  type Transitions,
} from './transitions/transitions.ts'
export {
  JobFailure,
  type WorkerEvent,
  type WorkerJob,
  type WorkerOptions,
  type WorkerSystem,
} from './worker/options.ts'
export { runWorker } from './worker/run-worker.ts'
