import type { DdlObject } from '@tenantry/core'
import { quoteLiteral } from '@tenantry/ddl'
import { serviceStatement } from '@tenantry/rls'
import { FUNNELS, RETENTION_DAYS_MIN } from '../types/enums.ts'

const SOFT = ['resumes', 'cover_letters']

const policies = Object.entries(RETENTION_DAYS_MIN)
  .map(([table, days]) => `(${quoteLiteral(table)}, ${days}, ${SOFT.includes(table)})`)
  .join(', ')

const funnels = Object.entries(FUNNELS)
  .map(([name, steps]) => `(${quoteLiteral(name)}, ${quoteLiteral(JSON.stringify(steps))}::jsonb)`)
  .join(', ')

/** Rows that every database starts with. What is there already stays as it is. */
export const seeds: readonly DdlObject[] = [
  serviceStatement({
    id: 'the documented retention policies',
    write: `insert into public.data_retention_policies (table_name, retention_days, soft_delete) values ${policies} on conflict do nothing`,
  }),
  serviceStatement({
    id: 'the documented funnels',
    write: `insert into public.conversion_funnels (funnel_name, steps) values ${funnels} on conflict do nothing`,
  }),
]
