import type { Connection } from '@tenantry/core'
import { granteeName, notOfExtension, rowsOf } from './rows.ts'

export interface LiveFunction {
  readonly schema: string
  readonly name: string
  /** `(uuid, max integer)`: as the server writes the arguments that tell it from its namesakes. */
  readonly identity: string
  readonly owner: string
  readonly ownerBypasses: boolean
  readonly security: 'definer' | 'invoker'
  readonly leakproof: boolean
  /** What a change of the declaration would change, by what an operator would call it. */
  readonly traits: Readonly<Record<string, unknown>>
  readonly settings: readonly string[]
  /** Everyone but the owner who may call it. */
  readonly callers: readonly string[]
}

const TEXT = `
select
  namespace.nspname::text as "schema",
  function.proname::text as "name",
  '(' || pg_catalog.pg_get_function_identity_arguments(function.oid) || ')' as "identity",
  owner.rolname::text as "owner",
  owner.rolsuper or owner.rolbypassrls as "ownerBypasses",
  case when function.prosecdef then 'definer' else 'invoker' end as "security",
  function.proleakproof as "leakproof",
  pg_catalog.jsonb_build_object(
    'arguments', pg_catalog.pg_get_function_arguments(function.oid),
    'result', pg_catalog.pg_get_function_result(function.oid),
    'language', language.lanname,
    'volatility', function.provolatile,
    'strictness', function.proisstrict,
    'parallel safety', function.proparallel,
    'body', coalesce(pg_catalog.pg_get_function_sqlbody(function.oid), function.prosrc)
  ) as "traits",
  pg_catalog.to_jsonb(coalesce(function.proconfig, '{}')) as "settings",
  (
    select coalesce(pg_catalog.jsonb_agg(distinct ${granteeName('entry.grantee')}), '[]')
    from pg_catalog.aclexplode(coalesce(function.proacl, pg_catalog.acldefault('f', function.proowner))) as entry
    where entry.grantee <> function.proowner
  ) as "callers"
from pg_catalog.pg_proc as function
join pg_catalog.pg_namespace as namespace on namespace.oid = function.pronamespace
join pg_catalog.pg_roles as owner on owner.oid = function.proowner
join pg_catalog.pg_language as language on language.oid = function.prolang
where (
    namespace.nspname = any ($1::text[])
    -- Called on rows before the policies have hidden them, so it matters wherever it is.
    or (function.proleakproof and namespace.nspname not in ('pg_catalog', 'information_schema'))
  )
  and ${notOfExtension('pg_proc', 'function.oid')}
order by 1, 2, 3`

/** Every function of the schemas, and leakproof ones of any. */
export function readFunctions(
  connection: Connection,
  schemas: readonly string[],
): Promise<readonly LiveFunction[]> {
  return rowsOf(connection, TEXT, [schemas])
}
