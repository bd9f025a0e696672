/**
 * Schemas and types for a program that has no database: a browser, a mobile app, an API's client.
 * Its only dependency is zod.
 */
export * from './types/enums.ts'
export * from './types/inputs.ts'
export * from './types/metadata.ts'
export * from './types/rows.ts'
export { APPROVAL_GATES, stepOf, WORKFLOW_EDGES } from './types/workflow.ts'
