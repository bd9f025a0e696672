import { lazyModule } from '@tenantry/core'
import {
  extension,
  partitioned,
  type PartitionedOptions,
  partitionJobs,
  setNullColumns,
  touchUpdatedAt,
} from '@tenantry/ddl'
import { setNullForeignKeys } from '../schema/foreign-keys.ts'
import {
  classifiedTopics,
  generatedDrafts,
  pillars,
  profiles,
  rawTopics,
  subscriptions,
  usageTracking,
  users,
  voiceExamples,
} from '../schema/index.ts'

const usageMonths: PartitionedOptions = { table: usageTracking, by: 'created_at', every: 'month' }

/** What the tables need and Drizzle can't say. */
export const tables = lazyModule({
  name: 'tables',
  objects: () => [
    extension({ name: 'vector' }),
    ...setNullForeignKeys.map((key) => setNullColumns({ name: key.table }, key.constraintName, key.columns)),
    ...partitioned(usageMonths),
    ...touchUpdatedAt([
      users,
      profiles,
      subscriptions,
      pillars,
      voiceExamples,
      rawTopics,
      classifiedTopics,
      generatedDrafts,
    ]),
  ],
  jobs: () => partitionJobs([usageMonths]),
})
