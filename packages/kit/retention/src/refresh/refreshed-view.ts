import { type Job, lazyModule, type Module } from '@tenantry/core'
import {
  dollarQuote,
  grants,
  lockDown,
  materializedView,
  qualify,
  quoteLiteral,
  sqlFunction,
} from '@tenantry/ddl'
import { transactorOf } from '../engine/session.ts'
import { ROLES } from '../names.ts'

export interface RefreshedViewOptions {
  /** Default: `public`. */
  readonly schema?: string
  readonly name: string
  /** A complete SELECT; names outside `pg_catalog` are qualified. */
  readonly query: string
  /** Columns by which each row is found again: refreshing while others read needs a unique index. */
  readonly key: readonly [string, ...string[]]
  /** Names of the unique index, and of the function, in the view's schema. Defaults: `<name>_key`, `refresh_<name>`. */
  readonly indexName?: string
  readonly functionName?: string
  /** Five-field cron expression in UTC. */
  readonly schedule: string
}

/**
 * A materialized view with the job that keeps it fresh. Readers never wait for a refresh (but for the first, which
 * fills it); of several that are started at once one refreshes and the others leave it to that one. The view has no
 * row security, so the service role alone may read it, and refresh it.
 */
export function refreshedView(options: RefreshedViewOptions): Module {
  const { schema = 'public', name, query, key, schedule } = options
  const { indexName = `${name}_key`, functionName = `refresh_${name}` } = options
  const view = { schema, name }
  const call = `${qualify(schema, functionName)}()`
  return lazyModule({
    name: `refresh ${name}`,
    objects: () => [
      materializedView({
        ...view,
        query,
        owner: ROLES.definer,
        indexes: [{ name: indexName, columns: key, unique: true }],
      }),
      lockDown(view, { owner: ROLES.definer }),
      grants({ table: view, to: ROLES.service, privileges: { select: true }, owner: ROLES.definer }),
      sqlFunction({
        schema,
        name: functionName,
        returns: 'boolean',
        language: 'plpgsql',
        volatility: 'volatile',
        security: 'definer',
        owner: ROLES.definer,
        body: refreshBody(schema, name),
        // Callers are the roles that may execute it.
        executableBy: [ROLES.service],
      }),
    ],
    jobs: () => [refreshJob({ name, schedule, call })],
  })
}

/**
 * One at a time by an advisory lock of the transaction: it ends with a backend that is killed, where a lease would
 * have to run out. Nothing depends on it but work done twice: REFRESH itself takes its turn behind another one.
 */
function refreshBody(schema: string, name: string): string {
  const view = qualify(schema, name)
  return `
begin
  if not pg_catalog.pg_try_advisory_xact_lock(pg_catalog.hashtextextended(${quoteLiteral(`tenantry:refresh ${schema}.${name}`)}, 0)) then
    return false;
  end if;
  if (select relispopulated from pg_catalog.pg_class where oid = ${quoteLiteral(view)}::pg_catalog.regclass) then
    refresh materialized view concurrently ${view};
  else
    refresh materialized view ${view};
  end if;
  return true;
end`
}

/** Whoever runs it, an owner or a login of the jobs, need only be able to become the service role. */
function refreshJob({
  name,
  schedule,
  call,
}: {
  readonly name: string
  readonly schedule: string
  readonly call: string
}): Job {
  return {
    name: `refresh ${name}`,
    schedule,
    description: `Refreshes ${name} without blocking its readers; while it does not run, reports grow old`,
    sql: `do ${dollarQuote(`begin set local role ${ROLES.service}; perform ${call}; end`, 'refresh')}`,
    async run(connection) {
      const refreshed = await transactorOf(connection).transaction(
        { preamble: [{ text: `set local role ${ROLES.service}`, params: [] }] },
        async (inner) => (await inner.query({ text: `select ${call}`, params: [] })).rows[0]?.[0] === true,
      )
      return {
        changed: refreshed ? 1 : 0,
        message: refreshed ? `${name} is refreshed` : `${name} is being refreshed by another run`,
      }
    },
  }
}
