import { RAISED } from '@tenantry/core'
import type { DeclaredObject } from '../declared.ts'
import { relation, type RelationReference } from '../relation.ts'
import { sqlFunction } from './function.ts'
import { schema } from './schema.ts'
import { trigger } from './trigger.ts'

const FUNCTION = { schema: 'tenantry', name: 'refuse_change' }

/** By which rows leave an append-only table: the role as which retention deletes what it has archived. */
export const RETENTION_ROLE = 'tenantry_retention'

/**
 * Rows that are written once: UPDATE, DELETE and TRUNCATE fail with an IsolationError, whoever tries (but for a
 * DELETE of `tenantry_retention`, to which retention grants it where it has a rule), in
 * sessions with `session_replication_role = replica` too. Give the tables no foreign key that cascades or sets
 * null: it would fail as well, and hold the parent in place.
 */
export function appendOnly(tables: readonly RelationReference[]): readonly DeclaredObject[] {
  return [
    schema({ name: FUNCTION.schema }),
    sqlFunction({
      ...FUNCTION,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      config: { search_path: 'pg_catalog, pg_temp' },
      body: [
        'begin',
        `  if tg_op = 'DELETE' and current_user = '${RETENTION_ROLE}' then`,
        '    return null;',
        '  end if;',
        '  raise exception using',
        `    errcode = '${RAISED.isolation}',`,
        `    message = pg_catalog.format('%s is append-only: %s is refused', tg_table_name, tg_op),`,
        '    schema = tg_table_schema, table = tg_table_name;',
        'end',
      ].join('\n'),
    }),
    // By statement, so that one that meets no row is refused as well.
    ...tables.map((table) =>
      trigger({
        table,
        name: `refuse_${relation(table).name}_change`,
        timing: 'before',
        events: ['update', 'delete', 'truncate'],
        level: 'statement',
        execute: FUNCTION,
        enable: 'always',
      }),
    ),
  ]
}
