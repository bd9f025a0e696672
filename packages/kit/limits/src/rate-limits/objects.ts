/** The function that takes calls from a limit, or says when there will be some. */
import { type DdlObject, RAISED } from '@tenantry/core'
import { schema, sqlFunction } from '@tenantry/ddl'
import { refuseOthers, ROLES } from '../caller.ts'
import { WINDOW_LIMIT_MAX } from './options.ts'
import { type RateLimitsPlan, TOO_LARGE } from './plan.ts'

export function rateLimitObjects(plan: RateLimitsPlan): readonly DdlObject[] {
  return [
    schema({ name: 'tenantry' }),
    sqlFunction({
      schema: 'tenantry',
      name: plan.functionName,
      args: [
        { name: 'p_tenant', type: plan.tenant.type },
        { name: 'p_limit', type: 'text' },
        { name: 'p_subject', type: 'text' },
        { name: 'p_amount', type: 'integer' },
      ],
      // No row: there is no such limit. An amount of 0 only looks.
      returns:
        'table (allowed boolean, quota bigint, remaining bigint, retry_after_ms bigint, reset_after_ms bigint)',
      language: 'plpgsql',
      volatility: 'volatile',
      security: 'definer',
      owner: ROLES.service,
      executableBy: [ROLES.tenant, ROLES.service],
      body: takeBody(plan),
    }),
  ]
}

/**
 * A denial is decided by a read, so that it writes and locks nothing. A call that looks allowed is taken by an update
 * whose condition the server looks at again on the row's newest version, after it waited for whoever changed it: so
 * no two calls take the same room, at any isolation level. One that lost its race begins again. The clock is read
 * once for each try and handed to the statements as a value; it may be behind a call that was faster, whose instant
 * then stands for this one too: instants are sorted, and a window is never shorter than declared.
 */
function takeBody(plan: RateLimitsPlan): string {
  const { target, key, instants, insert } = plan
  const kept = `state.${instants}`
  const live = `cardinality(${kept}) - width_bucket(v_now - v_span, ${kept})`
  const update = (value: string, sets: readonly string[], condition: string): string =>
    `update ${target.sql} as state
        set ${[`${instants} = ${value}`, ...sets].join(',\n          ')}
        where ${key}
          and ${condition}
        returning ${kept} into v_kept`
  return `
#variable_conflict use_column
declare
  v_bucket boolean := false;
  -- What fits; null: there is no such limit.
  v_size bigint;
  -- A window's length, or the time in which a bucket gets one back.
  v_span interval;
  v_now timestamptz;
  v_kept timestamptz[];
  v_known boolean;
  v_full timestamptz;
  v_past integer;
begin
  ${refuseOthers(plan.tenant, `calls of ${target.label}`)}
  if p_amount is null or p_amount < 0 or p_amount > 1000000 then
    raise exception 'calls are counted in whole numbers from 1 to 1,000,000' using errcode = '${RAISED.invalid}';
  end if;
  ${plan.read}
  if ${insert === null ? 'not found then\n    return;\n  elsif ' : ''}v_size is null or v_size < 0 or v_span is null or v_span <= interval '0' then
    raise exception 'the rate limit "%" is not declared, or its expression gives no number', p_limit using errcode = '${RAISED.invalid}';
  elsif not v_bucket and v_size > ${WINDOW_LIMIT_MAX} then
    raise exception '${TOO_LARGE}, and "%" asks for more', p_limit using errcode = '${RAISED.invalid}';
  end if;
  loop
    v_now := pg_catalog.clock_timestamp();
    select ${kept} into v_kept from ${target.sql} as state where ${key};
    v_known := found;
    if v_bucket then
      v_full := greatest(v_now, v_kept[1]);
      allowed := v_full + p_amount * v_span <= v_now + v_size * v_span;
    else
      v_kept := coalesce(v_kept, '{}');
      allowed := cardinality(v_kept) - width_bucket(v_now - v_span, v_kept) + p_amount <= v_size;
    end if;
    if allowed and p_amount > 0 then
      if not v_known then
        ${
          insert === null
            ? 'return;'
            : `${insert(
                'case when v_bucket then array[v_now + p_amount * v_span] else array_fill(v_now, array[p_amount]) end',
                'v_now + case when v_bucket then p_amount else 1 end * v_span',
              )}
        returning ${kept} into v_kept;`
        }
      elsif v_bucket then
        ${update(
          `array[greatest(v_now, ${kept}[1]) + p_amount * v_span]`,
          plan.bucketSets,
          `greatest(v_now, ${kept}[1]) + p_amount * v_span <= v_now + v_size * v_span`,
        )};
      else
        ${update(
          `${kept}[width_bucket(v_now - v_span, ${kept}) + 1:]
            || array_fill(greatest(v_now, ${kept}[cardinality(${kept})]), array[p_amount])`,
          plan.windowSets,
          `${live} + p_amount <= v_size`,
        )};
      end if;
      continue when not found;
    end if;
    quota := v_size;
    if v_bucket then
      v_full := greatest(v_now, v_kept[1]);
      remaining := greatest(0, floor(
        extract(epoch from v_now + v_size * v_span - v_full) / extract(epoch from v_span)
      ));
      retry_after_ms := ceil(1000 * extract(epoch from v_full + (p_amount - v_size) * v_span - v_now));
      reset_after_ms := ceil(1000 * extract(epoch from v_full - v_now));
    else
      v_past := width_bucket(v_now - v_span, v_kept);
      remaining := greatest(0, v_size - cardinality(v_kept) + v_past);
      retry_after_ms := ceil(1000 * extract(epoch from v_kept[cardinality(v_kept) + p_amount - v_size] + v_span - v_now));
      reset_after_ms := case when cardinality(v_kept) = v_past then 0
        else ceil(1000 * extract(epoch from v_kept[cardinality(v_kept)] + v_span - v_now)) end;
    end if;
    if allowed then
      retry_after_ms := 0;
    elsif p_amount > v_size then
      retry_after_ms := null;
    end if;
    return next;
    return;
  end loop;
end`
}
