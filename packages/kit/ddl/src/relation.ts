import { tableConfig } from '@tenantry/core'
import { is } from 'drizzle-orm'
import { PgTable } from 'drizzle-orm/pg-core'
import { qualify } from './identifiers.ts'

/** A table or view by name; `schema` is `public` unless said otherwise. */
export interface RelationName {
  readonly schema?: string
  readonly name: string
}

/** A Drizzle table, or a name for what isn't declared in Drizzle. */
export type RelationReference = PgTable | RelationName

export interface Relation {
  readonly schema: string
  readonly name: string
  /** `schema.name`, for ids and messages. */
  readonly label: string
  /** Quoted, for SQL. */
  readonly sql: string
}

export function relation(reference: RelationReference): Relation {
  const named = is(reference, PgTable) ? tableConfig(reference) : reference
  const schema = named.schema ?? 'public'
  return { schema, name: named.name, label: `${schema}.${named.name}`, sql: qualify(schema, named.name) }
}

/** How Drizzle writes the relation: it leaves out the schema `public`. */
export function drizzleName(target: Relation): string {
  return target.schema === 'public' ? `"${target.name}"` : `"${target.schema}"."${target.name}"`
}
