import { ConfigurationError, type Driver } from '@tenantry/core'
import type { Migration } from './migration.ts'
import type { Querying } from './history.ts'

/** pg_input_is_valid() and GRANT … WITH INHERIT came with it. */
const SERVER_VERSION_MIN = 160_000

/** Debian's and apt.postgresql.org's packages, where the name isn't the extension's. */
const DEBIAN_PACKAGES: Readonly<Record<string, string>> = {
  vector: 'pgvector',
  pg_cron: 'cron',
  pg_partman: 'partman',
  postgis: 'postgis-3',
}

/** Extensions that Debian packs with the server itself. */
const CONTRIB = new Set([
  'btree_gin',
  'btree_gist',
  'citext',
  'pg_stat_statements',
  'pg_trgm',
  'pgcrypto',
  'unaccent',
])

/** Modules that hold an extension for the embedded server. */
const PGLITE_MODULES: Readonly<Record<string, string>> = {
  vector: '@electric-sql/pglite-pgvector',
}

/**
 * Asks for what the migrations need before the first of them runs.
 *
 * @throws ConfigurationError for a server that is too old, or an extension that it doesn't have; the
 *   message says what to install or enable, and where.
 */
export async function preflight(on: Querying | Driver, migrations: readonly Migration[]): Promise<void> {
  const { rows } = await on.query({
    text: "select current_setting('server_version_num')::integer, current_setting('server_version')",
    params: [],
  })
  const [version, versionText] = rows[0] ?? []
  if (Number(version) < SERVER_VERSION_MIN) {
    throw new ConfigurationError(`The server is PostgreSQL ${String(versionText)}`, {
      hint: `PostgreSQL ${SERVER_VERSION_MIN / 10_000} or later is needed`,
    })
  }
  const needed = [...new Set(migrations.flatMap((migration) => migration.extensions))]
  if (needed.length === 0) return
  const available = await on.query({
    text: `select name from pg_catalog.pg_available_extensions
union
select extname from pg_catalog.pg_extension`,
    params: [],
  })
  const names = new Set(available.rows.map(([name]) => name))
  const missing = needed.filter((name) => !names.has(name))
  if (missing.length === 0) return
  const major = Math.floor(Number(version) / 10_000)
  throw new ConfigurationError(
    `The server lacks the extension${missing.length > 1 ? 's' : ''} ${missing.join(', ')}`,
    { hint: missing.map((name) => whereToGet(name, major)).join('\n') },
  )
}

function whereToGet(name: string, major: number): string {
  const debian = CONTRIB.has(name)
    ? `postgresql-${major}`
    : `postgresql-${major}-${DEBIAN_PACKAGES[name] ?? name.replaceAll('_', '-')}`
  const pglite = PGLITE_MODULES[name] ?? `the module that holds ${name}`
  return [
    `To get ${name}:`,
    `  Debian, Ubuntu: install the package ${debian}`,
    '  Supabase: Dashboard → Database → Extensions',
    `  Amazon RDS, Aurora: CREATE EXTENSION "${name}" as a member of rds_superuser`,
    `  PGlite: pass ${pglite} in the option "extensions"`,
  ].join('\n')
}
