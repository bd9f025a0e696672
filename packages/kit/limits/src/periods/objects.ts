/** The one function that says in which period an instant lies. */
import type { DdlObject } from '@tenantry/core'
import { schema, sqlFunction } from '@tenantry/ddl'

/** The roles of @tenantry/rls, by the names that they have in every database. */
const CALLERS = ['tenantry_tenant', 'tenantry_service', 'tenantry_definer'] as const

export const PERIOD_KINDS = ['calendar_day', 'calendar_month', 'billing_month', 'billing_year'] as const

/**
 * Calendar periods begin at local midnight in a zone; billing periods at the anchor's local day and time, the day
 * clipped to the length of each month.
 */
export type PeriodKind = (typeof PERIOD_KINDS)[number]

/**
 * `tenantry.limit_period(kind text, anchor timestamptz, zone text, at timestamptz)` answers one row
 * `(starts timestamptz, ends timestamptz)`: the half-open period `[starts, ends)` that holds `at`.
 *
 * The periods of a kind, anchor and zone tile time: each instant lies in exactly one, whatever the clocks of the
 * zone do. A boundary that the clocks skip falls on the instant at which they skip it (as much later as it was into
 * the gap); one that they show twice means the second time, save that a billing anchor itself always begins a period.
 * Each billing boundary is counted from the anchor, not from the one before, so the 31st comes back after February.
 *
 * `anchor` matters to billing periods only, and may be null otherwise. Time zones are those of the server
 * (`Europe/Berlin`, `UTC`); it is IMMUTABLE as far as PostgreSQL's own `timezone()` is. One call costs 2 to 3 µs.
 * An unknown kind or zone, a missing anchor and an infinite instant raise SQLSTATE 22023 (ValidationError).
 */
export function periodObjects(): readonly DdlObject[] {
  return [
    schema({ name: 'tenantry' }),
    sqlFunction({
      schema: 'tenantry',
      name: 'limit_period',
      args: [
        { name: 'kind', type: 'text' },
        { name: 'anchor', type: 'timestamp with time zone' },
        { name: 'zone', type: 'text' },
        { name: 'at', type: 'timestamp with time zone' },
      ],
      returns: 'table (starts timestamp with time zone, ends timestamp with time zone)',
      language: 'plpgsql',
      volatility: 'immutable',
      parallel: 'safe',
      executableBy: CALLERS,
      body: LIMIT_PERIOD,
    }),
  ]
}

/**
 * Boundary n is `origin + n * step` on the zone's clock. The clock guesses n and the boundaries decide, because an
 * hour that is shown twice can lie before a boundary and look as if it lay behind it.
 */
const LIMIT_PERIOD = `
declare
  clock constant timestamp := pg_catalog.timezone(zone, at);
  origin timestamp;
  step interval;
  -- Boundary 0, where it is known as an instant: a local time could mean two.
  fixed timestamptz;
  n integer := 0;
begin
  if clock is null or not pg_catalog.isfinite(at) then
    raise exception 'a period needs a time zone and a finite instant' using errcode = '22023';
  end if;
  if kind = 'calendar_month' then
    origin := pg_catalog.date_trunc('month', clock);
    step := interval '1 month';
  elsif kind = 'calendar_day' then
    origin := pg_catalog.date_trunc('day', clock);
    step := interval '1 day';
  elsif kind in ('billing_month', 'billing_year') then
    if anchor is null or not pg_catalog.isfinite(anchor) then
      raise exception 'a billing period needs a finite anchor' using errcode = '22023';
    end if;
    fixed := anchor;
    origin := pg_catalog.timezone(zone, anchor);
    n := extract(year from clock) - extract(year from origin);
    step := interval '1 year';
    if kind = 'billing_month' then
      n := 12 * n + extract(month from clock) - extract(month from origin);
      step := interval '1 month';
    end if;
  else
    raise exception 'there is no kind of period "%"', kind using errcode = '22023';
  end if;
  loop
    starts := coalesce(case n when 0 then fixed end, pg_catalog.timezone(zone, origin + n * step));
    if starts > at then
      n := n - 1;
      continue;
    end if;
    ends := coalesce(case n when -1 then fixed end, pg_catalog.timezone(zone, origin + (n + 1) * step));
    if ends > at then
      return next;
      return;
    end if;
    n := n + 1;
  end loop;
end`
