import type { Module } from '@tenantry/core'
import { partitionRetirements } from './table.ts'

/** Where retiring partitions is remembered, so that a killed run is gone on with. */
export const partitionRetirementsModule: Module = {
  name: 'partition-retirements',
  objects: [],
  tables: [{ table: partitionRetirements }],
}
