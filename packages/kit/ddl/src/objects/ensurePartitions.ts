import { holdersOf } from './lockDown.ts'
import { sqlFunction, type FunctionObject } from './function.ts'

/**
 * `tenantry.ensure_partitions(parent, months_ahead, first_month)` makes the monthly partitions of a table
 * that lack, from `first_month` (null: the current month) to `months_ahead` months after the current one,
 * and answers how many it made. Months are UTC months by the database's clock, whatever the session's time
 * zone. What exists is read from the catalog, not guessed from names. A new partition belongs to the
 * parent's owner, carries no grant, and has row-level security forced with no policy, so it can't be reached
 * except through its parent.
 */
export function ensurePartitions(): FunctionObject {
  return sqlFunction({
    schema: 'tenantry',
    name: 'ensure_partitions',
    args: [
      { name: 'parent', type: 'regclass' },
      { name: 'months_ahead', type: 'integer' },
      { name: 'first_month', type: 'date', default: 'null' },
    ],
    returns: 'integer',
    language: 'plpgsql',
    volatility: 'volatile',
    config: { search_path: 'pg_catalog, pg_temp', timezone: "'UTC'" },
    // Drizzle's tables come first in the file, and their partitions right after them.
    beforeTables: true,
    body: BODY,
  })
}

// Making a table and attaching it lets the parent be read and written meanwhile; CREATE TABLE … PARTITION OF
// would wait for every reader and hold up everyone behind it. The lock is the one that ATTACH takes anyway,
// and it makes concurrent callers take turns.
const BODY = `
declare
  parent_schema text;
  parent_name text;
  parent_owner text;
  month date;
  last_month date;
  child text;
  neighbour record;
  holder text;
  made integer := 0;
begin
  select namespace.nspname, relation.relname, pg_get_userbyid(relation.relowner)
  into parent_schema, parent_name, parent_owner
  from pg_class as relation
  join pg_namespace as namespace on namespace.oid = relation.relnamespace
  join pg_partitioned_table as partitioned on partitioned.partrelid = relation.oid
  where relation.oid = parent and partitioned.partstrat = 'r' and partitioned.partnatts = 1;
  if not found then
    raise exception '% is not partitioned by range on one column', parent using errcode = 'wrong_object_type';
  end if;

  execute format('lock table only %I.%I in share update exclusive mode', parent_schema, parent_name);

  last_month := (date_trunc('month', now()) + make_interval(months => months_ahead))::date;
  month := date_trunc('month', coalesce(first_month, now()::date))::date;
  while month <= last_month loop
    select bounds.name, bounds.lower <= month and bounds.upper >= month + interval '1 month' as covers
    into neighbour
    from (
      select
        partition.relname as name,
        case when range[1] = 'MINVALUE' then '-infinity' else trim(both '''' from range[1]) end::timestamptz as lower,
        case when range[2] = 'MAXVALUE' then 'infinity' else trim(both '''' from range[2]) end::timestamptz as upper
      from pg_inherits as inheritance
      join pg_class as partition on partition.oid = inheritance.inhrelid
      cross join lateral regexp_match(
        pg_get_expr(partition.relpartbound, partition.oid),
        'FROM \\((.+)\\) TO \\((.+)\\)'
      ) as range
      where inheritance.inhparent = parent and range is not null
    ) as bounds
    where bounds.lower < month + interval '1 month' and bounds.upper > month
    order by covers desc
    limit 1;

    if found and not neighbour.covers then
      raise exception 'partition % of % does not follow calendar months in UTC', neighbour.name, parent
        using errcode = 'invalid_object_definition';
    elsif not found then
      child := parent_name || to_char(month, '_YYYY_MM');
      execute format(
        'create table %I.%I (like %I.%I including all excluding indexes excluding statistics)',
        parent_schema, child, parent_schema, parent_name
      );
      for holder in
        ${holdersOf("format('%I.%I', parent_schema, child)::regclass", '        ')}
      loop
        execute format('revoke all privileges on table %I.%I from ', parent_schema, child) || holder;
      end loop;
      execute format('alter table %I.%I enable row level security', parent_schema, child);
      execute format('alter table %I.%I force row level security', parent_schema, child);
      execute format(
        'alter table only %I.%I attach partition %I.%I for values from (%L) to (%L)',
        parent_schema, parent_name, parent_schema, child,
        to_char(month, 'YYYY-MM-DD 00:00:00+00'), to_char(month + interval '1 month', 'YYYY-MM-DD 00:00:00+00')
      );
      execute format('alter table %I.%I owner to %I', parent_schema, child, parent_owner);
      made := made + 1;
    end if;
    month := (month + interval '1 month')::date;
  end loop;
  return made;
end`
