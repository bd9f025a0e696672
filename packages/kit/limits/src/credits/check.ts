import type { Check, Finding } from '@tenantry/core'
import { ROLES } from '../caller.ts'
import type { CreditsPlan } from './plan.ts'

/**
 * Looks as the service role, which sees every account. Entries that retention took from the beginning are no finding:
 * the first that is left says what was there before it.
 */
export function balanceCheck(plan: CreditsPlan): Check {
  const { name, balances, entries } = plan
  return {
    name: `${name}_balances`,
    guarantee: `Every balance in ${balances.target.label} is the sum of its entries, whose versions have no gap`,
    async run(connection) {
      const { rows: before } = await connection.query({
        text: `select pg_catalog.current_setting('role'), pg_catalog.set_config('role', '${ROLES.service}', true)`,
        params: [],
      })
      const { rows } = await connection.query({ text: wrongAccounts(plan), params: [] })
      await connection.query({
        text: `select pg_catalog.set_config('role', $1, true)`,
        params: [before[0]?.[0]],
      })
      const [balance, gaps, running, lots] = rows[0]?.map(Number) ?? []
      const finding = (
        code: string,
        object: string,
        count: number | undefined,
        what: string,
      ): readonly Finding[] =>
        count === 0
          ? []
          : [
              {
                code,
                object,
                message: `${what} in ${count} accounts`,
                remedy:
                  'Find who wrote past the functions of credits, and correct the accounts from a backup or with entries',
              },
            ]
      return [
        ...finding(
          'credits-balance',
          balances.target.label,
          balance,
          'The balance is not the sum of the entries',
        ),
        ...finding('credits-gap', entries.target.label, gaps, 'Versions of entries are missing'),
        ...finding(
          'credits-running',
          entries.target.label,
          running,
          'An entry does not add up with the one before it',
        ),
        ...finding('credits-lots', plan.lots.target.label, lots, 'More is to expire than is there'),
      ]
    },
  }
}

function wrongAccounts({ balances, entries, lots }: CreditsPlan): string {
  const { tenant, version, amount, balanceAfter } = entries.sql
  return `
with ordered as (
  select entry.${tenant} as tenant, entry.${version} as version, entry.${amount} as amount, entry.${balanceAfter} as after,
    lag(entry.${balanceAfter}) over (partition by entry.${tenant} order by entry.${version}) as before
  from ${entries.target.sql} as entry
),
summed as (
  select tenant, sum(amount) as total, count(*) as entries, min(version) as first, max(version) as last,
    (array_agg(after - amount order by version))[1] as opening,
    count(*) filter (where before + amount <> after) as broken
  from ordered
  group by tenant
),
expiring as (
  select lot.tenant, sum(lot.remaining) as remaining from ${lots.target.sql} as lot group by lot.tenant
)
select
  count(*) filter (where account.${balances.sql.balance} <> coalesce(summed.opening + summed.total, 0)),
  count(*) filter (where account.${balances.sql.version} <> coalesce(summed.last, 0) or summed.last - summed.first + 1 <> summed.entries),
  count(*) filter (where summed.broken > 0),
  count(*) filter (where expiring.remaining > account.${balances.sql.balance})
from ${balances.target.sql} as account
left join summed on summed.tenant = account.${balances.sql.tenant}
left join expiring on expiring.tenant = account.${balances.sql.tenant}`
}
