/** A rule that deletes or moves rows, as one statement for pg_cron: the engine's guarantees without the engine. */
import { dollarQuote, quoteIdentifier, quoteLiteral, relation, type Relation } from '@tenantry/ddl'
import type { RetentionAction } from '../action.ts'
import { cutoffText } from '../engine/runs.ts'
import type { TableGraph } from '../graph/table-graph.ts'
import { inForce } from '../holds/active.ts'
import { notHeld } from '../holds/not-held.ts'
import { RETENTION_ROLE } from '../names.ts'
import { refuseUnseen } from '../plan/unseen.ts'
import { eligible, NOTHING_STAYS, type Phase, RUN_PARAMETERS } from '../rule/phase.ts'
import type { RetentionRule } from '../rule/rule.ts'

/** A worker that isn't heard of for so long has lost the rule. */
const LEASE_SECONDS = 60

/**
 * Null where a statement alone can't do it: another action than these, or rows that a foreign key holds in place, which
 * the engine closes in on.
 *
 * The statement commits after each batch, so it must not run inside a transaction. Each batch takes the rule's lease
 * (a worker of the engine and pg_cron never run a rule together), keeps holds out while it deletes, and notes what it
 * did. A run that would take more than the rule's share, or that row security hides rows from, raises an error, and
 * deletes nothing.
 */
export function deleteSql(rule: RetentionRule, graph: TableGraph): string | null {
  const [phase] = rule.action.phases(rule)
  const { kind, moves } = rule.action
  if ((kind !== 'delete' && moves === undefined) || phase === undefined) return null
  const refusing = graph
    .childrenOf(rule.target.label)
    .some(({ onDelete }) => onDelete === 'no action' || onDelete === 'restrict')
  return refusing ? null : `do ${dollarQuote(bodyOf(rule, graph, phase), 'retention')}`
}

function bodyOf(rule: RetentionRule, graph: TableGraph, phase: Phase): string {
  const { target, floors, batch, action } = rule
  const kind = quoteLiteral(action.kind)
  const name = quoteLiteral(rule.name)
  const lease = `tenantry.retention_leases`
  const takes = (condition: string): string =>
    eligible(rule, phase, { ...NOTHING_STAYS, notHeld: condition })
      .replaceAll(RUN_PARAMETERS.cutoff, 'tenantry_cutoff')
      .replaceAll(RUN_PARAMETERS.startedAt, 'tenantry_start')
  const free = rule.hold
    ? notHeld(graph, { table: target, alias: quoteIdentifier(target.name), holds: null })
    : 'true'
  const remove = (condition: string): string => `
      with chosen as materialized (
        select ${quoteIdentifier(target.name)}.tableoid as part, ${quoteIdentifier(target.name)}.ctid as place
        from ${target.sql}
        where ${takes(condition)}
        limit ${batch.rows}
      )${leaving(
        action,
        target,
        `
      delete from ${target.sql} using chosen
      where ${quoteIdentifier(target.name)}.tableoid = chosen.part
        and ${quoteIdentifier(target.name)}.ctid = chosen.place
        and ${takes(condition)}`,
      )}`
  const share =
    floors.maxFraction === null
      ? ''
      : `
    if not allowed and (
      select pg_catalog.count(*) filter (where ${takes('true')}) + taken > ${floors.maxFraction} * (pg_catalog.count(*) + taken)
      from ${target.sql}
    ) then
      raise exception using
        errcode = 'object_not_in_prerequisite_state',
        message = ${quoteLiteral(`the retention rule ${rule.name} would take more than ${floors.maxFraction} of ${target.label}`)};
    end if;
    allowed := true;`
  return `
declare
  tenantry_cutoff timestamptz;
  tenantry_start timestamptz;
  run_id uuid;
  own_fence bigint;
  removed bigint;
  arrived bigint;
  allowed boolean := false;
  taken bigint := 0;
begin
  loop
    -- A row that is locked for longer ends the run: the next one goes on. All of them end with the transaction, and are set anew in the next one.
    perform pg_catalog.set_config('role', '${RETENTION_ROLE}', true), pg_catalog.set_config('jit', 'off', true),
      pg_catalog.set_config('TimeZone', 'UTC', true), pg_catalog.set_config('DateStyle', 'ISO, YMD', true), pg_catalog.set_config('lock_timeout', '1s', true);
    ${rule.hold ? 'lock table tenantry.legal_holds in share mode;' : ''}
    if own_fence is null then
      insert into ${lease} as lease (rule, fence, expires_at)
      values (${name}, 1, pg_catalog.clock_timestamp() + interval '${LEASE_SECONDS} seconds')
      on conflict (rule) do update
      set fence = lease.fence + 1, expires_at = excluded.expires_at
      where lease.expires_at <= pg_catalog.clock_timestamp()
      returning fence into own_fence;
      exit when own_fence is null;${refuseUnseen(rule, graph)}
      tenantry_cutoff := ${cutoffText(rule, null)};
      tenantry_start := pg_catalog.statement_timestamp();
      update tenantry.retention_runs
      set cutoff = least(cutoff, tenantry_cutoff)
      where id = (
        select id from tenantry.retention_runs
        where rule = ${name} and relation = ${quoteLiteral(target.label)} and action = ${kind} and finished_at is null
        order by created_at
        limit 1
      )
      returning id into run_id;
      if run_id is not null then
        select run.cutoff, run.created_at into tenantry_cutoff, tenantry_start
        from tenantry.retention_runs as run
        where run.id = run_id;
        taken := (
          select coalesce(pg_catalog.sum(batch.changed), 0)
          from (select run_id) as open (run)
          join tenantry.retention_batches as batch on batch.run_id = open.run
        );
      end if;
    else
      update ${lease}
      set expires_at = pg_catalog.clock_timestamp() + interval '${LEASE_SECONDS} seconds'
      where rule = ${name} and fence = own_fence;
      exit when not found;
    end if;${share}
    if run_id is null then
      insert into tenantry.retention_runs (rule, relation, action, cutoff)
      values (${name}, ${quoteLiteral(target.label)}, ${kind}, tenantry_cutoff)
      returning id into run_id;
    end if;
    if ${free === 'true' ? 'false' : `exists (select from tenantry.legal_holds as hold where ${inForce('hold')})`} then${remove(free)}
    else${remove('true')}
    end if;
    if removed > 0 then
      insert into tenantry.retention_batches (run_id, fence, effect, changed)
      values (run_id, own_fence, ${quoteLiteral(phase.effect)}, removed);
    else
      update tenantry.retention_runs set finished_at = pg_catalog.statement_timestamp() where id = run_id;
      update ${lease} set expires_at = pg_catalog.clock_timestamp() where rule = ${name} and fence = own_fence;
    end if;
    commit;
    exit when removed = 0;
  end loop;
end`
}

/** Counts what was deleted into `removed`; what moves arrives by the same statement, or nothing does. */
function leaving({ moves }: RetentionAction, target: Relation, remove: string): string {
  if (moves === undefined) return `${remove};\n      get diagnostics removed = row_count;`
  const list = (of: string): string => moves.columns.map((name) => `${of}${name}`).join(', ')
  return `, gone as (${remove}
      returning ${list(`${quoteIdentifier(target.name)}.`)}
      ), put as (
        insert into ${relation(moves.into).sql} (${list('')})
        select ${list('gone.')} from gone
        returning 1
      )
      select (select pg_catalog.count(*) from gone), (select pg_catalog.count(*) from put) into removed, arrived;
      if removed <> arrived then
        raise exception using
          errcode = 'object_not_in_prerequisite_state',
          message = ${quoteLiteral(`not every row that leaves ${target.label} would arrive in ${relation(moves.into).label}`)};
      end if;`
}
