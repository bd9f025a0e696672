/** What is run now and then, and what can be looked at. */
import type { Check, Connection, Finding, Job } from '@tenantry/core'
import { dollarQuote, quoteIdentifier, relation } from '@tenantry/ddl'
import { ROLES } from '../caller.ts'
import type { CountPlan, GuardPlan } from './guard-plan.ts'
import type { PlansPlan } from './plan.ts'

/** Rows of one batch: a fraction of a second, so that nobody waits long for a lock. */
const BATCH = 1000
/** A replay comes within minutes; after this nobody can mean the same call. */
const KEYS_KEPT_DAYS = 30

export function planJobs(guards: readonly GuardPlan[]): readonly Job[] {
  return [
    inBatches({
      name: 'limits-expire-holds',
      schedule: '* * * * *',
      description:
        'Gives back what expired holds held; until then the callers that need the room do it themselves',
      call: `tenantry.limit_expire(${BATCH})`,
      message: (changed) => `${changed} holds had expired`,
    }),
    inBatches({
      name: 'limits-forget-keys',
      schedule: '17 3 * * *',
      description: `Removes holds and keys resolved ${KEYS_KEPT_DAYS} days ago; without it the table grows`,
      call: `tenantry.limit_forget(${KEYS_KEPT_DAYS}, ${BATCH})`,
      message: (changed) => `${changed} keys were forgotten`,
    }),
    ...allocated(guards).map(({ guard, count }): Job => {
      const call = `tenantry.limit_recount_${guard.target.name}()`
      return {
        name: `limits-recount-${count.feature}`,
        schedule: '37 3 * * 0',
        description: `Sets the counters of ${count.feature} to the rows of ${guard.target.label}; they differ only after somebody switched its triggers off`,
        sql: `do ${dollarQuote(`begin set local role ${ROLES.service}; perform ${call}; end`, 'service')}`,
        async run(connection) {
          const changed = await asService(connection, call)
          return { changed, message: `${changed} counters of ${count.feature} differed` }
        },
      }
    }),
  ]
}

interface Batched extends Pick<Job, 'name' | 'schedule' | 'description'> {
  readonly call: string
  readonly message: (changed: number) => string
}

function inBatches({ call, message, ...job }: Batched): Job {
  return {
    ...job,
    sql: `do ${dollarQuote(`begin set local role ${ROLES.service}; perform ${call}; end`, 'service')}`,
    async run(connection, { signal } = {}) {
      let changed = 0
      for (;;) {
        signal?.throwIfAborted()
        const batch = await asService(connection, call)
        changed += batch
        if (batch < BATCH) return { changed, message: message(changed) }
      }
    },
  }
}

async function asService(connection: Connection, call: string): Promise<number> {
  await connection.script(`begin; set local role ${ROLES.service}`)
  try {
    const { rows } = await connection.query({ text: `select ${call}`, params: [] })
    await connection.script('commit')
    return Number(rows[0]?.[0])
  } catch (error) {
    await connection.script('rollback')
    throw error
  }
}

export function allocated(
  guards: readonly GuardPlan[],
): readonly { readonly guard: GuardPlan; readonly count: CountPlan }[] {
  return guards.flatMap((guard) =>
    guard.counts.flatMap((count) => (count.kind === 'allocated' ? [{ guard, count }] : [])),
  )
}

export function planChecks(plan: PlansPlan, guards: readonly GuardPlan[]): readonly Check[] {
  return [
    ...allocated(guards).map(({ guard, count }): Check => ({
      name: `limits-counters-${count.feature}`,
      guarantee: `The counters of ${count.feature} are the number of rows of ${guard.target.label}`,
      run: (connection) => differing(connection, guard, count),
    })),
    {
      name: 'limits-reserved',
      guarantee: 'What counters call reserved is what pending holds hold',
      run: (connection) => reservedDiffers(connection),
    },
    {
      name: 'limits-plans-known',
      guarantee: 'Every subscription names a plan that is declared',
      run: (connection) => unknownPlans(connection, plan),
    },
    {
      name: 'limits-plans-unwritable',
      guarantee: 'No tenant writes what its plan follows from',
      run: (connection) => writablePlans(connection, plan),
    },
  ]
}

/** The rows of a table as counters should have them. */
export function countedRows({ target }: GuardPlan, count: CountPlan): string {
  return `select ${count.account} as account, ${count.subject} as subject, sum(${count.amount})::numeric as used
    from ${target.sql} as row where (${count.where}) group by 1, 2`
}

async function differing(
  connection: Connection,
  guard: GuardPlan,
  count: CountPlan,
): Promise<readonly Finding[]> {
  const number = await counted(
    connection,
    `select count(*) from (${countedRows(guard, count)}) as counted
full join (select account, subject, used from tenantry.limit_counters where feature = '${count.feature}') as counter using (account, subject)
where coalesce(counted.used, 0) <> coalesce(counter.used, 0)`,
  )
  if (number === 0) return []
  return [
    {
      code: 'limit-counter-differs',
      object: guard.target.label,
      message: `${number} counters of ${count.feature} aren't the number of rows`,
      remedy: `Run the job limits-recount-${count.feature}, and find out who switched off the triggers limit_guard_…`,
    },
  ]
}

async function reservedDiffers(connection: Connection): Promise<readonly Finding[]> {
  const number = await counted(
    connection,
    `select count(*) from tenantry.limit_counters as counter
where reserved <> coalesce((
  select sum(amount) from tenantry.limit_holds as held
  where held.account = counter.account and held.feature = counter.feature and held.subject = counter.subject
    and held.ends = counter.ends and held.state = 'pending'
), 0)`,
  )
  if (number === 0) return []
  return [
    {
      code: 'limit-reserved-differs',
      object: 'tenantry.limit_counters',
      message: `${number} counters reserve something else than their pending holds hold`,
      remedy: 'Find out who wrote to the tables of limits by hand',
    },
  ]
}

async function unknownPlans(
  connection: Connection,
  { plans, subscription: { table, plan } }: PlansPlan,
): Promise<readonly Finding[]> {
  const { sql, label } = relation(table)
  const known = plans.map(({ name }) => `'${name}'`).join(', ')
  const column = quoteIdentifier(plan.name)
  const number = await counted(
    connection,
    `select count(*) from ${sql} where ${column}::text not in (${known})`,
  )
  if (number === 0) return []
  return [
    {
      code: 'limit-plan-unknown',
      object: label,
      message: `${number} subscriptions name a plan that isn't declared: they may consume nothing`,
      remedy: 'Declare the plan, or move them to another one',
    },
  ]
}

/** Who may write their own plan has none. */
async function writablePlans(
  connection: Connection,
  { subscription: { table, ...columns }, standing }: PlansPlan,
): Promise<readonly Finding[]> {
  const { sql, label } = relation(table)
  const named = [...Object.values(columns), ...standing.map(({ until }) => until)]
    .filter((column) => column !== null && column !== columns.account)
    .map((column) => column?.name)
  const { rows } = await connection.query({
    text: `select distinct name from pg_catalog.unnest($1::text[]) as name
where pg_catalog.has_column_privilege('${ROLES.tenant}', $2::text, name, 'insert, update') order by name`,
    params: [named, sql],
  })
  return rows.map(([name]) => ({
    code: 'limit-plan-writable',
    object: `${label}.${String(name)}`,
    message: 'Tenants may write it, and so give themselves another plan',
    remedy: 'Leave the column out of what the tenancy lets them insert and update, for instance as `managed`',
  }))
}

/** As the service role, which sees the rows of all tenants. */
async function counted(connection: Connection, text: string): Promise<number> {
  await connection.script(`set local role ${ROLES.service}`)
  try {
    const { rows } = await connection.query({ text, params: [] })
    return Number(rows[0]?.[0])
  } finally {
    await connection.script('reset role')
  }
}
