import type { DeclaredObject } from '../declared.ts'
import { dollarQuote, quoteIdentifier, quoteLiteral } from '../identifiers.ts'

export interface RoleOptions {
  readonly name: string
}

export interface RoleObject extends DeclaredObject {
  readonly kind: 'role'
  readonly type: 'role'
  readonly name: string
}

/**
 * A role that nobody logs in as. Roles belong to the whole cluster, so it may exist already, or be made by
 * another database's migration at this moment; neither is a failure. An existing role is not altered. The
 * role that migrates may afterwards `set role` to it, without inheriting its rights. It is never dropped:
 * other databases may use it.
 */
export function role({ name }: RoleOptions): RoleObject {
  const quoted = quoteIdentifier(name)
  const literal = quoteLiteral(name)
  // Advisory locks end at the database's border, so the catalog's own unique indexes are what decides.
  const make = `
begin
  if not exists (select from pg_catalog.pg_roles where rolname = ${literal}) then
    create role ${quoted} nologin noinherit;
  end if;
exception
  when duplicate_object or unique_violation then null;
end`
  const lend = `
begin
  if not (select rolsuper from pg_catalog.pg_roles where rolname = current_user)
    and not pg_catalog.pg_has_role(current_user, ${literal}, 'SET')
  then
    execute pg_catalog.format('grant %I to %I with inherit false, set true', ${literal}, current_user);
  end if;
exception
  when duplicate_object or unique_violation then null;
end`
  return {
    kind: 'role',
    type: 'role',
    id: `role ${name}`,
    name,
    create: [`do ${dollarQuote(make, 'role')}`, `do ${dollarQuote(lend, 'role')}`],
    drop: [],
    change: 'replace',
  }
}
