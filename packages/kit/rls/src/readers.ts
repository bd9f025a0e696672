/** The functions by which policies let readers see every tenant's rows. */
import type { DdlObject } from '@tenantry/core'
import { quoteIdentifier, relation, sqlFunction } from '@tenantry/ddl'
import { LIBRARY_SCHEMA, ROLES } from './names.ts'
import type { ReadersOptions, TenancyKind } from './tenancy.ts'

const CALLERS = [ROLES.tenant, ROLES.service, ROLES.definer]

/** The least and the greatest uuid there can be. */
const UUID_BOUNDS = {
  first: `'00000000-0000-0000-0000-000000000000'::uuid`,
  last: `'ffffffff-ffff-ffff-ffff-ffffffffffff'::uuid`,
}

export function readerObjects(kind: TenancyKind, readers: ReadersOptions): readonly DdlObject[] {
  const { table, user, condition, tenants } = readers
  const type = kind === 'user-text' ? 'text' : 'uuid'
  const readsAll = sqlFunction({
    schema: LIBRARY_SCHEMA,
    name: 'current_user_reads_all',
    args: [],
    returns: 'boolean',
    // It can't be inlined, and a session keeps the plan of a plpgsql function: 0.02 ms instead of 0.2.
    language: 'plpgsql',
    volatility: 'stable',
    parallel: 'safe',
    security: 'definer',
    owner: ROLES.definer,
    // The caller is checked by what it asks for: only the context's own user is looked up.
    body: [
      'begin',
      '  return exists (',
      `    select from ${relation(table).sql} as reader`,
      `    where reader.${quoteIdentifier(user.name)} = ${LIBRARY_SCHEMA}.current_user_${type}()`,
      ...(condition === undefined ? [] : [`      and (${condition})`]),
      '  );',
      'end',
    ].join('\n'),
    executableBy: CALLERS,
  })
  // Not definer functions, so that the planner inlines them; `own` stands for a tenant or a user.
  const bound = (which: 'first' | 'last', forReaders: string): DdlObject =>
    sqlFunction({
      schema: LIBRARY_SCHEMA,
      name: `${which}_readable`,
      args: [{ name: 'own', type }],
      returns: type,
      language: 'sql',
      volatility: 'stable',
      parallel: 'safe',
      body: `select case when ${LIBRARY_SCHEMA}.current_user_reads_all() then ${forReaders} else own end`,
      executableBy: CALLERS,
    })
  if (tenants === undefined)
    return [readsAll, bound('first', UUID_BOUNDS.first), bound('last', UUID_BOUNDS.last)]
  return [
    readsAll,
    sqlFunction({
      schema: LIBRARY_SCHEMA,
      name: 'last_tenant',
      args: [],
      returns: type,
      language: 'plpgsql',
      volatility: 'stable',
      parallel: 'safe',
      security: 'definer',
      owner: ROLES.definer,
      // It tells one tenant's id, so it tells it to readers alone.
      body: [
        'begin',
        `  if not ${LIBRARY_SCHEMA}.current_user_reads_all() then return null; end if;`,
        `  return (select max(tenant.${quoteIdentifier(tenants.name)}) from ${relation(tenants.table).sql} as tenant);`,
        'end',
      ].join('\n'),
      executableBy: CALLERS,
    }),
    bound('first', `''`),
    bound('last', `${LIBRARY_SCHEMA}.last_tenant()`),
  ]
}
