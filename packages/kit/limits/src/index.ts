export { PERIOD_KINDS, type PeriodKind, periodObjects } from './periods/objects.ts'
