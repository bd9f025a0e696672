/** How the functions of plans are made: who owns them, who may call them, how they refuse. */
import { type DdlObject, RAISED } from '@tenantry/core'
import { type FunctionArgument, sqlFunction } from '@tenantry/ddl'
import { CALLER_IS_SERVICE, type CallerTenant, ROLES } from '../../caller.ts'
import type { AccountType } from '../tables.ts'

/** What the bodies need to know of the declaration. */
export interface PlanSql {
  readonly accountType: AccountType
  /** The tenant of the caller's context. */
  readonly tenant: CallerTenant
  /** Over `of_tenant`. */
  readonly account: string
}

interface Definition {
  readonly name: string
  /** In order. */
  readonly args: readonly (readonly [name: string, type: string, preset?: string])[]
  readonly returns: string
  readonly volatility?: 'immutable' | 'stable' | 'volatile'
  readonly body: string
}

const asArguments = (args: Definition['args']): readonly FunctionArgument[] =>
  args.map(([name, type, preset]) => ({ name, type, ...(preset === undefined ? {} : { default: preset }) }))

/**
 * A part of the others, which nobody else may call. It belongs to the service role, whose rows all of them are; the
 * definer role only reads.
 */
export function internalFunction({
  name,
  args,
  returns,
  volatility = 'volatile',
  body,
}: Definition): DdlObject {
  return sqlFunction({
    schema: 'tenantry',
    name,
    args: asArguments(args),
    returns,
    language: 'plpgsql',
    volatility,
    owner: ROLES.service,
    body,
  })
}

/** One that tenants call: it runs as its owner, for nobody but the tenant of the caller's context. */
export function tenantFunction(
  { accountType, tenant, account }: PlanSql,
  {
    name,
    args,
    returns,
    volatility = 'volatile',
    body,
    declare = '',
  }: Definition & { readonly declare?: string },
): DdlObject {
  return sqlFunction({
    schema: 'tenantry',
    name,
    args: asArguments([['of_tenant', tenant.type], ...args]),
    returns,
    language: 'plpgsql',
    volatility,
    security: 'definer',
    owner: ROLES.service,
    executableBy: [ROLES.tenant, ROLES.service],
    body: `
#variable_conflict use_column
declare
  of_account ${accountType};
  at_time constant timestamptz := tenantry.limit_clock();
${declare.trim() === '' ? '' : `  ${declare.trim()}\n`}begin
  if (of_tenant = (${tenant.expression})) is not true and not (${CALLER_IS_SERVICE}) then
    raise exception 'limits are used for the tenant of the context' using errcode = '${RAISED.isolation}';
  end if;
  of_account := ${account};
  if of_account is null then
    raise exception 'nobody pays for this tenant: it has no account' using errcode = '${RAISED.invalid}';
  end if;
  ${body.trim()}
end`,
  })
}

/** One that only the service role calls, with the rights of its owner, or that a trigger runs. */
export function serviceFunction({
  name,
  args,
  returns,
  volatility = 'volatile',
  body,
}: Definition): DdlObject {
  return sqlFunction({
    schema: 'tenantry',
    name,
    args: asArguments(args),
    returns,
    language: 'plpgsql',
    volatility,
    security: 'definer',
    owner: ROLES.service,
    executableBy: returns === 'trigger' ? [] : [ROLES.service],
    body,
  })
}

/** The condition of the one row that counts at `at_time`. */
export const OPEN = `account = of_account and feature = of_feature and subject = of_subject
      and starts <= at_time and ends > at_time`
