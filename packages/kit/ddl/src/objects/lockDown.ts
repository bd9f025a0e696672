import type { DeclaredObject } from '../declared.ts'
import { dollarQuote, quoteLiteral } from '../identifiers.ts'
import { asOwner } from './asOwner.ts'
import { relation, type RelationReference } from '../relation.ts'

export interface LockDownObject extends DeclaredObject {
  readonly kind: 'grant'
  readonly type: 'lock-down'
  readonly on: string
}

/**
 * Takes every right on a relation and its columns from everyone but its owner: default privileges (such as
 * Supabase's for anon and authenticated) may have handed out all of them, TRUNCATE included. It runs before
 * the relation's `grants`, and again with them whenever one of them changes.
 */
export function lockDown(
  table: RelationReference,
  options: { readonly owner?: string } = {},
): LockDownObject {
  const target = relation(table)
  const body = `
declare
  holder text;
begin
  for holder in
    ${holdersOf(`${quoteLiteral(target.sql)}::pg_catalog.regclass`, '    ')}
  loop
    execute 'revoke all privileges on table ${target.sql.replaceAll("'", "''")} from ' || holder;
  end loop;
end`
  const create = [`do ${dollarQuote(body, 'lock_down')}`]
  return {
    kind: 'grant',
    type: 'lock-down',
    id: `lock down ${target.label}`,
    on: target.label,
    create: options.owner === undefined ? create : asOwner(target.schema, options.owner, create),
    drop: [],
    change: 'replace',
  }
}

/** A query for everyone but the owner who holds a right on the relation or on a column of it. */
export function holdersOf(oid: string, indent: string): string {
  return [
    'select distinct case entry.grantee',
    "    when 0 then 'public'",
    '    else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(entry.grantee))',
    '  end',
    'from pg_catalog.pg_class as relation',
    'cross join lateral (',
    '  select relation.relacl as acl',
    '  union all',
    '  select attacl from pg_catalog.pg_attribute where attrelid = relation.oid and attacl is not null',
    ') as rights',
    'cross join lateral pg_catalog.aclexplode(rights.acl) as entry',
    `where relation.oid = ${oid} and entry.grantee <> relation.relowner`,
  ].join(`\n${indent}`)
}
