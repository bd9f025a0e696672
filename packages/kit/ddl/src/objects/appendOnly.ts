import { RAISED } from '@tenantry/core'
import type { DeclaredObject } from '../declared.ts'
import { relation, type RelationReference } from '../relation.ts'
import { sqlFunction } from './function.ts'
import { schema } from './schema.ts'
import { trigger } from './trigger.ts'

const FUNCTION = { schema: 'tenantry', name: 'refuse_change' }

/**
 * Rows that are written once: UPDATE, DELETE and TRUNCATE fail with an IsolationError, whoever tries, in
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
