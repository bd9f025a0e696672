/** Rules as a function of the database, for hosts whose documents name one, such as `execute_data_purge()`. */
import { ConfigurationError, type DdlObject } from '@tenantry/core'
import { quoteIdentifier, quoteLiteral, sqlFunction } from '@tenantry/ddl'
import { is } from 'drizzle-orm'
import { PgTable } from 'drizzle-orm/pg-core'
import { cutoffText } from '../engine/runs.ts'
import { declaredGraph } from '../graph/declared-graph.ts'
import type { TableGraph, TenantTable } from '../graph/table-graph.ts'
import { notHeld } from '../holds/not-held.ts'
import { LIBRARY_SCHEMA, ROLES } from '../names.ts'
import { refuseUnseen } from '../plan/unseen.ts'
import { spanText } from '../rule/age.ts'
import { eligible, NOTHING_STAYS, type Phase, RUN_PARAMETERS } from '../rule/phase.ts'
import type { RetentionRule } from '../rule/rule.ts'

/** What the host's own rows say about a rule, as `PolicySource` says it to a run: SQL expressions, null where nothing. */
export interface SqlPolicy {
  /** Age in days, in place of the rule's; never below its floor. */
  readonly days: string
  readonly paused: string
}

export interface PurgeFunctionOptions {
  /** In the schema `tenantry`. */
  readonly name: string
  /** Also given to `retention()`, which grants what they need. Their actions: `delete`, `soft-delete-then-purge`. */
  readonly rules: readonly RetentionRule[]
  /** As `retention()` is given them: holds are followed through foreign keys, and find the rows of their tenants. */
  readonly schema: Readonly<Record<string, unknown>>
  readonly tenants: readonly TenantTable[]
  readonly policy?: (rule: RetentionRule) => SqlPolicy
}

/** A worker that isn't heard of for so long has lost the rule. */
const LEASE_SECONDS = 60

/**
 * `tenantry.<name>(rules text[] default null)`: applies the rules (null: all of them) in the caller's transaction, and
 * answers how many rows of each it changed, as jsonb by the rule's name; one that is paused, or that a worker is busy
 * with, isn't in it. Holds, floors and policies bind it as they bind a run of the engine, and what it did is noted as
 * a run's is. It archives nothing, and holds its locks until the transaction ends: for tables of a moderate size. The
 * service role's alone.
 *
 * It raises, and nothing is changed, where a rule would take more than its share, or where row security hides rows that
 * it must see.
 *
 * @throws ConfigurationError for a rule that only the engine can apply.
 */
export function purgeFunction({ name, rules, schema, tenants, policy }: PurgeFunctionOptions): DdlObject {
  const tables = Object.values(schema).filter((value): value is PgTable => is(value, PgTable))
  const graph = declaredGraph([...new Set([...tables, ...rules.map(({ table }) => table)])], { tenants })
  for (const rule of rules) refuseOthers(rule, graph)
  return sqlFunction({
    schema: LIBRARY_SCHEMA,
    name,
    args: [{ name: 'of_rules', type: 'text[]', default: 'null' }],
    returns: 'jsonb',
    language: 'plpgsql',
    volatility: 'volatile',
    security: 'definer',
    owner: ROLES.retention,
    executableBy: [ROLES.service],
    // Compiling conditions of many subqueries takes longer than they do.
    config: { timezone: "'UTC'", datestyle: "'ISO, YMD'", jit: 'off' },
    body: `
declare
  answer jsonb := '{}';
  tenantry_cutoff timestamptz;
  tenantry_start constant timestamptz := pg_catalog.statement_timestamp();
  policy_days integer;
  own_fence bigint;
  own_run uuid;
  met bigint;
  total bigint;
begin
  if pg_catalog.current_setting('transaction_isolation') <> 'read committed' then
    raise exception 'a transaction that deletes must be READ COMMITTED to see every hold'
      using errcode = 'invalid_transaction_state';
  end if;
  lock table tenantry.legal_holds in share mode;
${rules.map((rule) => ruleText(rule, graph, policy?.(rule) ?? { days: 'null', paused: 'false' })).join('\n')}
  return answer;
end`,
  })
}

function ruleText(rule: RetentionRule, graph: TableGraph, policy: SqlPolicy): string {
  const { target, floors } = rule
  const name = quoteLiteral(rule.name)
  const phases = rule.action.phases(rule)
  const takes = takenBy(rule, graph)
  const share = (phase: Phase): string => `
      if (
        select pg_catalog.count(*) filter (where ${takes(phase)}) > ${floors.maxFraction} * pg_catalog.count(*)
        from ${target.sql}
      ) then
        raise exception using
          errcode = 'object_not_in_prerequisite_state',
          message = ${quoteLiteral(`the retention rule ${rule.name} would take more than ${floors.maxFraction} of ${target.label}`)};
      end if;`
  const change = (phase: Phase): string => `
      ${statementOf(rule, phase)}
      where ${takes(phase)};
      get diagnostics met = row_count;
      total := total + met;
      if met > 0 then
        insert into tenantry.retention_batches (run_id, fence, effect, changed)
        values (own_run, own_fence, ${quoteLiteral(phase.effect)}, met);
      end if;`
  return `
  if (of_rules is null or ${name} = any (of_rules)) and coalesce(${policy.paused}, false) is false then
    own_fence := null;
    insert into tenantry.retention_leases as lease (rule, fence, expires_at)
    values (${name}, 1, pg_catalog.clock_timestamp() + interval '${LEASE_SECONDS} seconds')
    on conflict (rule) do update
    set fence = lease.fence + 1, expires_at = excluded.expires_at
    where lease.expires_at <= pg_catalog.clock_timestamp()
    returning fence into own_fence;
    if own_fence is not null then${refuseUnseen(rule, graph)}
      policy_days := ${policy.days};
      tenantry_cutoff := case
        when policy_days is null then ${cutoffText(rule, null)}
        else least(
          pg_catalog.statement_timestamp() - pg_catalog.make_interval(days => policy_days),
          pg_catalog.statement_timestamp() - ${spanText(floors.minimum)}
        )
      end;${floors.maxFraction === null ? '' : phases.map(share).join('')}
      insert into tenantry.retention_runs (rule, relation, action, cutoff, finished_at)
      values (${name}, ${quoteLiteral(target.label)}, ${quoteLiteral(rule.action.kind)}, tenantry_cutoff, tenantry_start)
      returning id into own_run;
      total := 0;${phases.map(change).join('')}
      update tenantry.retention_leases set expires_at = pg_catalog.clock_timestamp()
      where rule = ${name} and fence = own_fence;
      answer := answer || pg_catalog.jsonb_build_object(${name}, total);
    end if;
  end if;`
}

function takenBy(rule: RetentionRule, graph: TableGraph): (phase: Phase) => string {
  const { target } = rule
  const free = rule.hold
    ? notHeld(graph, { table: target, alias: quoteIdentifier(target.name), holds: null })
    : 'true'
  return (phase) =>
    eligible(rule, phase, { ...NOTHING_STAYS, notHeld: free })
      .replaceAll(RUN_PARAMETERS.cutoff, 'tenantry_cutoff')
      .replaceAll(RUN_PARAMETERS.startedAt, 'tenantry_start')
}

/** The column that a soft delete marks is the only one that its rule may update. */
function statementOf({ target, action }: RetentionRule, phase: Phase): string {
  if (phase.removes) return `delete from ${target.sql}`
  const marked = action.privileges.update
  const column = Array.isArray(marked) ? marked[0] : undefined
  return `update ${target.sql} set ${quoteIdentifier(column ?? '')} = pg_catalog.statement_timestamp()`
}

function refuseOthers({ name, action, target }: RetentionRule, graph: TableGraph): void {
  if (action.kind !== 'delete' && action.kind !== 'soft-delete-then-purge') {
    throw new ConfigurationError(`A function can't apply the rule ${name}: its action is ${action.kind}`, {
      hint: 'Leave it to a run of the engine',
    })
  }
  const refusing = graph
    .childrenOf(target.label)
    .find(({ onDelete }) => onDelete === 'no action' || onDelete === 'restrict')
  if (refusing === undefined) return
  throw new ConfigurationError(
    `A function can't apply the rule ${name}: ${refusing.constraint} of ${refusing.child} holds rows in place`,
    { hint: 'Leave it to a run of the engine' },
  )
}
