export { defineStateMachine, type StateMachine, type StateMachineOptions, type StateRequirement } from './state-machine.ts'
export { transitioned } from './transition.ts'
