import type { Connection } from '@tenantry/core'
import { rowsOf } from './rows.ts'

export interface SchemaCreator {
  readonly schema: string
  readonly role: string
}

const TEXT = `
select namespace.nspname::text as "schema", client.name as "role"
from pg_catalog.pg_namespace as namespace
cross join lateral (
  select rolname::text as name, pg_catalog.has_schema_privilege(oid, namespace.oid, 'create') as may_create
  from pg_catalog.pg_roles
  where rolname = any ($2::text[])
) as client
where namespace.nspname = any ($1::text[]) and client.may_create
order by 1, 2`

/** Which of the roles may create objects in the schemas, in their own right or as everyone. */
export function readSchemaCreators(
  connection: Connection,
  schemas: readonly string[],
  roles: readonly string[],
): Promise<readonly SchemaCreator[]> {
  return rowsOf(connection, TEXT, [schemas, roles])
}
