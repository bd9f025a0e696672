import { lazyModule } from '@tenantry/core'
import {
  extension,
  partitioned,
  type PartitionedOptions,
  partitionJobs,
  setNullColumns,
  sqlFunction,
  touchUpdatedAt,
} from '@tenantry/ddl'
import { setNullForeignKeys } from '../schema/foreign-keys.ts'
import * as schema from '../schema/index.ts'
import { seeds } from './seeds.ts'

const eventMonths: PartitionedOptions = { table: schema.analyticsEvents, by: 'timestamp', every: 'month' }

/** What the tables need and Drizzle can't say. */
export const tables = lazyModule({
  name: 'tables',
  objects: () => [
    extension({ name: 'vector' }),
    ...setNullForeignKeys.map((key) => setNullColumns({ name: key.table }, key.constraintName, key.columns)),
    ...partitioned(eventMonths),
    ...touchUpdatedAt([
      schema.users,
      schema.resumes,
      schema.coverLetters,
      schema.jobRoles,
      schema.templateRoleMappings,
      schema.roleRecommendations,
      schema.userEntitlements,
      schema.paymentReceipts,
      schema.creditBalances,
      schema.referralCodes,
      schema.achievementDefinitions,
      schema.conversionFunnels,
      schema.dataRetentionPolicies,
      schema.adminUsers,
    ]),
    ...seeds,
    sqlFunction({
      name: 'create_monthly_partition',
      args: [
        { name: 'table_name', type: 'text' },
        { name: 'start_date', type: 'date' },
      ],
      returns: 'void',
      language: 'plpgsql',
      volatility: 'volatile',
      config: { search_path: 'pg_catalog, pg_temp', timezone: "'UTC'" },
      // Of that month alone where it is past; of all from it to the last one kept ready where it isn't.
      body: `
declare
  month constant date := date_trunc('month', start_date)::date;
  this_month constant date := date_trunc('month', now())::date;
  ahead constant integer := (extract(year from month) - extract(year from this_month)) * 12
    + extract(month from month) - extract(month from this_month);
begin
  perform tenantry.ensure_partitions(format('public.%I', table_name)::regclass, ahead, month);
end`,
    }),
  ],
  jobs: () => partitionJobs([eventMonths]),
})
