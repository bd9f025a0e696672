import { ConfigurationError } from '@tenantry/core'
import type { DeclaredObject } from '../declared.ts'
import { dollarQuote, qualify, quoteGrantee, quoteIdentifier, quoteLiteral } from '../identifiers.ts'
import { asOwner } from './asOwner.ts'

export interface FunctionArgument {
  readonly name: string
  /** As PostgreSQL writes it, such as `uuid` or `timestamp with time zone`. */
  readonly type: string
  /** A SQL expression. */
  readonly default?: string
}

export interface FunctionOptions {
  /** Default: `public`. */
  readonly schema?: string
  readonly name: string
  readonly args?: readonly FunctionArgument[]
  /** Such as `trigger`, `void`, `setof uuid` or `table (id uuid, title text)`. */
  readonly returns: string
  readonly language: 'sql' | 'plpgsql'
  readonly volatility: 'immutable' | 'stable' | 'volatile'
  /** Default: `invoker`. A definer's search path is always pinned to `pg_catalog, pg_temp`. */
  readonly security?: 'invoker' | 'definer'
  /** Default: the role that migrates. */
  readonly owner?: string
  readonly parallel?: 'safe' | 'restricted' | 'unsafe'
  readonly strict?: boolean
  /** Settings for the length of each call, such as `{ timezone: "'UTC'" }`; values are SQL. */
  readonly config?: Readonly<Record<string, string>>
  readonly body: string
  /** Roles that may call it. Nobody else may, apart from its owner: PUBLIC's right is revoked. */
  readonly executableBy?: readonly string[]
  /** Made before Drizzle's tables, for one that a column default or generated column calls. */
  readonly beforeTables?: boolean
}

export interface FunctionObject extends DeclaredObject {
  readonly kind: 'function' | 'prelude'
  readonly type: 'function'
  readonly schema: string
  readonly name: string
  readonly argTypes: readonly string[]
  readonly returns: string
  readonly volatility: FunctionOptions['volatility']
  readonly security: 'invoker' | 'definer'
  /** Null: the role that migrates. */
  readonly owner: string | null
  readonly executableBy: readonly string[]
}

/**
 * A function. The body is plain SQL or PL/pgSQL, which refers to everything outside `pg_catalog` by
 * qualified names. Changing arguments or result drops it and makes it anew, with what depends on it.
 */
export function sqlFunction(options: FunctionOptions): FunctionObject {
  const { schema = 'public', name, args = [], security = 'invoker', executableBy = [], owner } = options
  const argTypes = args.map((argument) => argument.type)
  const signature = `${qualify(schema, name)}(${argTypes.join(', ')})`
  const parameters = args.map(parameter).join(', ')
  const text = [
    `create or replace function ${qualify(schema, name)}(${parameters})`,
    `returns ${options.returns}`,
    `language ${options.language}`,
    [
      options.volatility,
      ...(options.strict === true ? ['strict'] : []),
      ...(options.parallel === undefined ? [] : [`parallel ${options.parallel}`]),
      `security ${security}`,
    ].join(' '),
    ...Object.entries(config(options)).map(([setting, value]) => `set ${setting} = ${value}`),
    `as ${dollarQuote(options.body)}`,
  ].join('\n')
  const callers = executableBy.map(quoteGrantee).join(', ')
  const create = [
    text,
    revokeFromAll(signature),
    ...(callers === '' ? [] : [`grant execute on function ${signature} to ${callers}`]),
  ]
  const drop = [`drop function ${signature}`]
  return {
    kind: options.beforeTables === true ? 'prelude' : 'function',
    type: 'function',
    id: `function ${schema}.${name}(${argTypes.join(', ')})`,
    provides: `${schema}.${name}`,
    // A removed caller would keep the right under `create or replace`.
    shape: JSON.stringify([parameters, options.returns, owner ?? null, executableBy]),
    schema,
    name,
    argTypes,
    returns: options.returns,
    volatility: options.volatility,
    security,
    owner: owner ?? null,
    executableBy,
    create: owner === undefined ? create : asOwner(schema, owner, create),
    drop: owner === undefined ? drop : asOwner(schema, owner, drop),
    change: 'replace',
  }
}

/** From PUBLIC, and from whomever default privileges gave it to: on Supabase anon and authenticated. */
function revokeFromAll(signature: string): string {
  const body = `
declare
  holder text;
begin
  for holder in
    select distinct case entry.grantee
      when 0 then 'public'
      else pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(entry.grantee))
    end
    from pg_catalog.pg_proc as routine
    cross join lateral pg_catalog.aclexplode(
      coalesce(routine.proacl, pg_catalog.acldefault('f', routine.proowner))
    ) as entry
    where routine.oid = ${quoteLiteral(signature)}::pg_catalog.regprocedure and entry.grantee <> routine.proowner
  loop
    execute ${quoteLiteral(`revoke all on function ${signature} from `)} || holder;
  end loop;
end`
  return `do ${dollarQuote(body, 'revoke')}`
}

function parameter({ name, type, default: value }: FunctionArgument): string {
  return `${quoteIdentifier(name)} ${type}${value === undefined ? '' : ` default ${value}`}`
}

function config({ security, config: settings = {} }: FunctionOptions): Readonly<Record<string, string>> {
  for (const setting of Object.keys(settings)) {
    if (!/^[a-z_]+(\.[a-z_]+)?$/.test(setting)) {
      throw new ConfigurationError(`"${setting}" is not the name of a setting`)
    }
  }
  if (security !== 'definer') return settings
  if (settings['search_path'] !== undefined) {
    throw new ConfigurationError('The search path of a security definer function is fixed', {
      hint: 'Leave search_path out and qualify the names in its body',
    })
  }
  return { search_path: 'pg_catalog, pg_temp', ...settings }
}
