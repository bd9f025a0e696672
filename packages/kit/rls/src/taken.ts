import { type DdlObject, type Driver, MigrationError } from '@tenantry/core'
import { LIBRARY_SCHEMA } from './names.ts'

/** Functions of the context that look into a system's own tables; a database has one of each. */
const LOOKING = ['current_organization', 'current_organization_role', 'current_user_reads_all', 'last_tenant']

/**
 * Refuses to migrate a system into a database where another one has said already who is a member of an
 * organization, or who reads every tenant: it would decide that anew for the other's rows as well.
 *
 * @throws MigrationError naming the function.
 */
export async function refuseTakenContext(
  driver: Pick<Driver, 'query'>,
  objects: readonly DdlObject[],
): Promise<void> {
  const { rows } = await driver.query({
    text: `select routine.proname::text, routine.prosrc
from pg_catalog.pg_proc as routine
join pg_catalog.pg_namespace as namespace on namespace.oid = routine.pronamespace
where namespace.nspname = $1 and routine.proname = any ($2::text[]) and routine.pronargs = 0`,
    params: [LIBRARY_SCHEMA, LOOKING],
  })
  for (const [name, body] of rows) {
    const declared = objects.find(({ id }) => id === `function ${LIBRARY_SCHEMA}.${String(name)}()`)
    if (declared === undefined || declared.create.some((text) => text.includes(String(body)))) continue
    throw new MigrationError(
      `Another system in this database has made ${LIBRARY_SCHEMA}.${String(name)}(), with another body`,
      { hint: 'Two systems whose members or readers differ need a database each. Nothing was applied' },
    )
  }
}
