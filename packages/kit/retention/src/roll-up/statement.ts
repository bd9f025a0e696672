import { quoteIdentifier, relation } from '@tenantry/ddl'
import { castType } from '@tenantry/repository'
import { after, orderText } from '../engine/access.ts'
import type { MoveBatch } from '../engine/move-in-batches.ts'
import { qualified } from '../engine/shape.ts'
import type { Work } from '../engine/work.ts'
import { eligible, type Phase } from '../rule/phase.ts'
import type { RollUpPlan } from './plan.ts'

/**
 * Moves rows into the sums of their months, and proves in the same statement that every sum has grown by exactly what
 * has left: what is stored now, less what was stored before, is compared with the rows that were deleted.
 */
export function rollUpStatement(
  { rule, shape }: Work,
  phase: Phase,
  plan: RollUpPlan,
  { access, position, stays }: MoveBatch,
): string {
  const { target } = rule
  const takes = eligible(rule, phase, stays)
  const order = access.order.map((name) => `${qualified(target, name)} as ${quoteIdentifier(name)}`)
  const names = access.order.map(quoteIdentifier)
  const keys = [
    ...plan.keys.map(({ into, from }, n) => ({
      name: `key_${n}`,
      into: quoteIdentifier(into.name),
      value: `${qualified(target, from.name)}::${castType(into)}`,
    })),
    {
      name: 'month',
      into: quoteIdentifier(plan.month.name),
      value: monthOf(rule.age.kind, qualified(target, rule.age.column.name)),
    },
  ]
  const sums = [
    ...plan.sums.map(({ into, from }, n) => ({
      name: `sum_${n}`,
      into: quoteIdentifier(into.name),
      value: `coalesce(${qualified(target, from.name)}, 0)`,
      type: castType(into),
    })),
    ...(plan.count === null
      ? []
      : [{ name: 'counted', into: quoteIdentifier(plan.count.name), value: '1', type: 'bigint' }]),
  ]
  const into = relation(plan.into).sql
  const columns = [...keys, ...sums].map((column) => column.into).join(', ')
  const same = (one: string, other: string): string =>
    keys.map((key) => `${one}.${key.into} = ${other}.${key.name}`).join(' and ')
  return `
with chosen as materialized (
  select ${qualified(target, 'tableoid')} as part, ${qualified(target, 'ctid')} as place, ${order.join(', ')}
  from ${target.sql}
  where ${takes}
    ${after(rule, shape, access, position, 7)}
  order by ${orderText(rule, access)}
  limit $3::bigint
),
gone as (
  delete from ${target.sql} using chosen
  where ${qualified(target, 'tableoid')} = chosen.part and ${qualified(target, 'ctid')} = chosen.place
    and ${takes}
  returning ${[...keys, ...sums].map(({ name, value }) => `${value} as ${name}`).join(', ')}
),
grouped as materialized (
  select ${keys.map(({ name }) => name).join(', ')}, ${sums.map(({ name }) => `pg_catalog.sum(${name}) as ${name}`).join(', ')}
  from gone
  group by ${keys.map(({ name }) => name).join(', ')}
),
put as (
  insert into ${into} as kept (${columns})
  select ${keys.map(({ name }) => name).join(', ')}, ${sums.map(({ name, type }) => `${name}::${type}`).join(', ')}
  from grouped
  on conflict (${keys.map((key) => key.into).join(', ')}) do update
  set ${sums.map((sum) => `${sum.into} = kept.${sum.into} + excluded.${sum.into}`).join(', ')}
  returning ${[...keys, ...sums].map((column) => `kept.${column.into}`).join(', ')}
),
noted as (
  insert into tenantry.retention_batches (run_id, fence, effect, changed)
  select $4::uuid, $5::bigint, $6, pg_catalog.count(*) from gone
  having pg_catalog.count(*) > 0
)
select
  (select pg_catalog.count(*) from chosen),
  (select pg_catalog.count(*) from gone),
  (
    select coalesce(pg_catalog.bool_and(${sums
      .map(
        ({ into: sum, name }) =>
          `coalesce(put.${sum}, 0)::numeric - coalesce(before.${sum}, 0)::numeric = grouped.${name}::numeric`,
      )
      .join(' and ')}), true)
    from grouped
    left join put on ${same('put', 'grouped')}
    left join ${into} as before on ${same('before', 'grouped')}
  ),
  (
    select pg_catalog.json_build_array(${names.map((name) => `${name}::text`).join(', ')})
    from chosen
    order by ${names.map((name) => `${name} desc`).join(', ')}
    limit 1
  )`
}

function monthOf(kind: string, value: string): string {
  const inUtc = kind === 'timestamptz' ? `${value} at time zone 'UTC'` : `${value}::timestamp`
  return `pg_catalog.date_trunc('month', ${inUtc})::date`
}
