import type { DeclaredObject } from '../declared.ts'
import { relation, type RelationReference } from '../relation.ts'
import { sqlFunction } from './function.ts'
import { trigger } from './trigger.ts'

export interface TouchUpdatedAtOptions {
  /** Default: `public`. */
  readonly schema?: string
  /** Default: `update_updated_at_timestamp`. */
  readonly functionName?: string
  /** Default: `update_<table>_updated_at`. */
  readonly triggerName?: (table: string) => string
}

/** One shared function and one trigger per table: `updated_at` is the transaction's time on every UPDATE. */
export function touchUpdatedAt(
  tables: readonly RelationReference[],
  options: TouchUpdatedAtOptions = {},
): readonly DeclaredObject[] {
  const { schema = 'public', functionName = 'update_updated_at_timestamp' } = options
  const triggerName = options.triggerName ?? ((table: string) => `update_${table}_updated_at`)
  return [
    sqlFunction({
      schema,
      name: functionName,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      config: { search_path: 'pg_catalog, pg_temp' },
      body: 'begin\n  new.updated_at := pg_catalog.now();\n  return new;\nend',
    }),
    ...tables.map((table) =>
      trigger({
        table,
        name: triggerName(relation(table).name),
        timing: 'before',
        events: ['update'],
        execute: { schema, name: functionName },
      }),
    ),
  ]
}
