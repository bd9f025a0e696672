/** The documented weekly maintenance. */
import { ConfigurationError, type Connection, lazyModule } from '@tenantry/core'

/** The documented ones, and the archive, which grows by whole months at once. */
const TABLES = ['projects', 'files', 'outputs', 'outputs_archive']

/** The server only warns, and goes on, where a login may not vacuum a table. */
const FORBIDDEN = `
select relname::text
from pg_catalog.pg_class
where oid = any (array(select ('public.' || name)::pg_catalog.regclass from unnest($1::text[]) as name))
  and not case
    when pg_catalog.current_setting('server_version_num')::integer >= 170000
      then pg_catalog.has_table_privilege(oid, 'MAINTAIN')
    else pg_catalog.pg_has_role(relowner, 'USAGE')
  end
order by 1`

async function refuseForbidden(connection: Connection): Promise<void> {
  const { rows } = await connection.query({ text: FORBIDDEN, params: [TABLES] })
  if (rows.length === 0) return
  throw new ConfigurationError(`This login may not vacuum ${rows.map(([name]) => String(name)).join(', ')}`, {
    hint: 'Run the job as the owner of the tables',
  })
}

export const vacuum = lazyModule({
  name: 'vacuum',
  objects: () => [],
  jobs: () => [
    {
      name: 'vacuum tables',
      schedule: '23 4 * * 0',
      description:
        'Reclaims space and refreshes the planner’s statistics; while it does not run, autovacuum does so by its own thresholds',
      sql: `vacuum (analyze) ${TABLES.map((name) => `public.${name}`).join(', ')}`,
      async run(connection, { signal } = {}) {
        await refuseForbidden(connection)
        for (const name of TABLES) {
          signal?.throwIfAborted()
          await connection.script(`vacuum (analyze) public.${name}`)
        }
        return { changed: 0, message: `${TABLES.length} tables are vacuumed` }
      },
    },
  ],
})
