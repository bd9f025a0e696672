import type { Module } from '@tenantry/core'
import { holdObjects } from './objects.ts'
import { legalHolds } from './table.ts'

/** Legal holds of a system: the table, what keeps its history, and what the role of retention may do with it. */
export const legalHoldsModule: Module = {
  name: 'legal-holds',
  objects: holdObjects(),
  tables: [{ table: legalHolds }],
}
