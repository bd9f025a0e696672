import { quoteLiteral, statement, type StatementObject } from '@tenantry/ddl'
import { ROLES } from '@tenantry/rls'
import { FUNNELS, RETENTION_DAYS_MIN } from '../types/enums.ts'

/**
 * Under FORCE the role that migrates may write no rows, so they are written as the service role, below its policy:
 * a migration runs with row_security off, which makes policies errors.
 */
const asService = (insert: string): string => `do $seed$
declare
  previous_role constant text := pg_catalog.current_setting('role');
  previous_security constant text := pg_catalog.current_setting('row_security');
begin
  perform pg_catalog.set_config('row_security', 'on', true), pg_catalog.set_config('role', '${ROLES.service}', true);
  ${insert};
  perform pg_catalog.set_config('role', previous_role, true), pg_catalog.set_config('row_security', previous_security, true);
end
$seed$`

const SOFT = ['resumes', 'cover_letters']

const policies = Object.entries(RETENTION_DAYS_MIN)
  .map(([table, days]) => `(${quoteLiteral(table)}, ${days}, ${SOFT.includes(table)})`)
  .join(', ')

const funnels = Object.entries(FUNNELS)
  .map(([name, steps]) => `(${quoteLiteral(name)}, ${quoteLiteral(JSON.stringify(steps))}::jsonb)`)
  .join(', ')

/** Rows that every database starts with. What is there already stays as it is. */
export const seeds: readonly StatementObject[] = [
  statement({
    id: 'the documented retention policies',
    kind: 'finale',
    create: [
      asService(
        `insert into public.data_retention_policies (table_name, retention_days, soft_delete) values ${policies} on conflict do nothing`,
      ),
    ],
    drop: [],
  }),
  statement({
    id: 'the documented funnels',
    kind: 'finale',
    create: [
      asService(
        `insert into public.conversion_funnels (funnel_name, steps) values ${funnels} on conflict do nothing`,
      ),
    ],
    drop: [],
  }),
]
