export { contentpilot } from './contentpilot.ts'
