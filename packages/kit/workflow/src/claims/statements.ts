/** The statements of claimed work: one each, whatever the number of rows. The database's clock decides. */
import type { CompiledQuery } from '@tenantry/core'
import { castType } from '@tenantry/repository'
import { sql } from 'drizzle-orm'
import type { PgColumn } from 'drizzle-orm/pg-core'
import { TOKENS_SETTING } from './objects.ts'
import { type ClaimsPlan, isOpen, literals, named } from './plan.ts'
import { quoteLiteral } from '@tenantry/ddl'

type At = (name: string) => string

/** Numbers the parameters of one text. */
export function parameters(): {
  readonly at: At
  readonly query: (text: string) => CompiledQuery
} {
  const names: string[] = []
  return {
    at(name) {
      const known = names.indexOf(name)
      return `$${known >= 0 ? known + 1 : names.push(name)}`
    },
    query: (text) => ({ text, params: names.map((name) => sql.placeholder(name)), gated: false }),
  }
}

const NOW = 'pg_catalog.statement_timestamp()'

/** The end of a lease that begins when the row is written, however long the statement has waited. */
const leaseEnd = (at: At): string =>
  `pg_catalog.clock_timestamp() + ${seconds(`${at('seconds')}::double precision`)}`

const job = (column: PgColumn): string => `job.${named(column)}`

const seconds = (value: string): string => `pg_catalog.make_interval(secs => ${value})`

/** The wait after so many attempts: doubled with each, up to the longest. 60 doublings keep the power finite. */
function waitSeconds({ backoff }: ClaimsPlan, attempts: string): string {
  return `least(${backoff.maxSeconds}, ${backoff.baseSeconds} * pg_catalog.power(2, least(${attempts}, 60) - 1))`
}

interface Choice {
  readonly oneTenant: boolean
  /** Where it is said here: PostgreSQL takes a limit that it doesn't know for a tenth of the table, and plans for that, or anew each time. */
  readonly limit: number | null
}

/** The next rows: those that wait, and those whose lease ran out as long ago as a failed one waits. */
function nextRows(plan: ClaimsPlan, at: At, { oneTenant, limit }: Choice, besides = ''): string {
  const { target, id, tenant, state, lease, ready } = plan
  return `
  select ${job(id)} as id, ${spent(plan)} as spent, ${rank(plan, 'job.').join(', ')}
  from ${target.sql} as job
  where ${isOpen(plan, 'job.')} and ${job(lease.availableAt)} <= ${NOW}
    and (${job(state)} in (${literals(ready)}) or ${spent(plan)}
      or ${job(lease.availableAt)} <= ${NOW} - ${seconds(waitSeconds(plan, job(lease.attempts)))})${
        oneTenant
          ? `
    and ${job(tenant)} = ${at('tenant')}::${castType(tenant)}`
          : ''
      }${besides}
  order by ${inOrder(plan, 'job.')}
  limit ${limit ?? `${at('limit')}::integer`}
  for update skip locked`
}

/** What rows are claimed in the order of, the greatest priority and the earliest time first. */
function rank({ priority, lease }: ClaimsPlan, alias: string): readonly string[] {
  return [...(priority === null ? [] : [`${alias}${named(priority)}`]), `${alias}${named(lease.availableAt)}`]
}

function inOrder({ priority, lease }: ClaimsPlan, alias: string): string {
  const due = `${alias}${named(lease.availableAt)}`
  return priority === null ? due : `${alias}${named(priority)} desc nulls last, ${due}`
}

/** Out of attempts. */
function spent({ state, lease, working, maxAttempts }: ClaimsPlan): string {
  return `${job(state)} in (${literals(working)}) and ${job(lease.attempts)} >= ${maxAttempts}`
}

/**
 * Leases the rows of `next`, or gives up the one that is out of attempts. Answers whether the row is worked on now, and
 * the row: a trigger of the host's may have had another end for it.
 */
function takeNext(plan: ClaimsPlan, at: At): string {
  const { target, id, state, lease, working, abandoned } = plan
  const unless = (otherwise: string, value: string): string =>
    `case when next.spent then ${otherwise} else ${value} end`
  const type = castType(state)
  return `
update ${target.sql} as job set
  ${named(state)} = ${unless(`${quoteLiteral(abandoned)}::${type}`, `${quoteLiteral(working[0])}::${type}`)},
  ${named(lease.leaseToken)} = ${unless(job(lease.leaseToken), 'pg_catalog.gen_random_uuid()')},
  ${named(lease.attempts)} = ${unless(job(lease.attempts), `${job(lease.attempts)} + 1`)},
  ${named(lease.availableAt)} = ${unless(job(lease.availableAt), leaseEnd(at))},
  ${named(lease.lastError)} = case when ${job(state)} in (${literals(working)}) then 'the lease of attempt ' || ${job(lease.attempts)} || ' ran out' else ${job(lease.lastError)} end
from next
where ${job(id)} = next.id
returning ${job(state)} in (${literals(working)}), ${Object.values(plan.columns).map(job).join(', ')}`
}

/** Names for what `takeNext` answers, and then for what its rows are in the order of. */
function answered(plan: ClaimsPlan): readonly string[] {
  return ['taken', ...Object.keys(plan.columns)].map((_, index) => `c${index}`)
}

/** `next` and `claimed`: rows that were taken, with their rank from before they were. */
function claimTables(plan: ClaimsPlan, at: At, choice: Choice, besides = ''): string {
  const columns = [...answered(plan), ...rank(plan, '')]
  return `next as materialized (${nextRows(plan, at, choice, besides)}
),
claimed (${columns.join(', ')}) as (${takeNext(plan, at)}, ${rank(plan, 'next.').join(', ')}
)`
}

/** Takes the next rows for `seconds`, of one tenant `tenant`, up to `limit` where none is said; in their order. */
export function claimStatement(plan: ClaimsPlan, choice: Choice): CompiledQuery {
  const { at, query } = parameters()
  if (choice.limit === 1) {
    return query(`
with next as materialized (${nextRows(plan, at, choice)}
)${takeNext(plan, at)}`)
  }
  return query(`
with ${claimTables(plan, at, choice)}
select ${answered(plan).join(', ')}
from claimed
order by ${inOrder(plan, '')}`)
}

export type HolderAction = 'finish' | 'fail' | 'renew' | 'release'

interface Holding {
  /** Columns written together with the step. */
  readonly set: readonly PgColumn[]
  /** Arrays of an unknown length are planned as ten rows, which for one row is dear enough to plan each time anew. */
  readonly single: boolean
  /**
   * Rows are locked first: those that another session has locked are left as they are, or waited for before anything
   * is computed. Default: an UPDATE waits for them, with what it has computed before.
   */
  readonly lock?: 'skip' | 'wait'
}

/** `input`, `presented` and `changed`: see `holderStatement`. */
function holderTables(
  plan: ClaimsPlan,
  at: At,
  action: HolderAction,
  { set, single, lock }: Holding,
): string {
  const { target, id, tenant, state, lease, working } = plan
  const isHeld = `${job(id)} = input.id and ${job(tenant)} = input.tenant and ${job(lease.leaseToken)} = input.token
    and ${job(state)} in (${literals(working)})`
  const arrays: [string, string][] = [
    ['id', `${at('ids')}::${castType(id)}[]`],
    ['tenant', `${at('tenants')}::${castType(tenant)}[]`],
    ['token', `${at('tokens')}::uuid[]`],
  ]
  const each = (name: string, parameter: string, type: string): string => {
    arrays.push([name, `${at(parameter)}::${type}[]`])
    return `input.${name}`
  }
  const assignments = [
    ...ACTIONS[action](plan, { each, at }),
    ...set.map(
      (column, index) =>
        `${named(column)} = ${each(`set_${index}`, `set_${index}`, 'text')}::${castType(column)}`,
    ),
  ]
  const rows = single
    ? `select ${arrays.map(([name, array]) => `(${array})[1] as ${name}`).join(', ')}, 1::bigint as n`
    : `select * from unnest(${arrays.map(([, array]) => array).join(', ')}) with ordinality as input (${arrays.map(([name]) => name).join(', ')}, n)`
  return `input as materialized (
  ${rows}
),
presented as materialized (
  select pg_catalog.set_config('${TOKENS_SETTING}', ${at('presented')}::text, true) as tokens
),
${
  lock === undefined
    ? ''
    : `locked as materialized (
  select input.* from input join ${target.sql} as job on ${isHeld}
  for update of job${lock === 'skip' ? ' skip locked' : ''}
),
`
}changed as (
  update ${target.sql} as job set
    ${assignments.join(',\n    ')}
  from ${lock === undefined ? 'input' : 'locked as input'}, presented
  where presented.tokens is not null and ${isHeld}
  returning input.n, ${job(state)}::text as state
)`
}

/**
 * Whether each row of `input` was changed, its state, and where it wasn't changed what this token is to the row:
 * `done`, it has finished it; `held`, it still holds it; null, nothing.
 */
function holderAnswer({ target, id, tenant, state, lease, working, done }: ClaimsPlan): string {
  // Not EXISTS, which may be planned as one look at all finished rows.
  return `changed.n is not null as changed, changed.state as state, case when changed.n is null then (
  select case when ${job(state)} in (${literals(done)}) then 'done' else 'held' end from ${target.sql} as job
  where ${job(id)} = input.id and ${job(tenant)} = input.tenant and ${job(lease.leaseToken)} = input.token
    and ${job(state)} in (${literals([...done, ...working])})
  limit 1
) end as standing`
}

/**
 * What the holder of rows does with them, each by its token: `ids`, `tenants` and `tokens` as arrays,
 * `presented` all tokens in one text, and by action `states`, `errors`, `delays`, `finals`, `randoms`,
 * `seconds`; values for further columns in `set_<n>`. Answers for each row, in order.
 */
export function holderStatement(plan: ClaimsPlan, action: HolderAction, holding: Holding): CompiledQuery {
  const { at, query } = parameters()
  return query(`
with ${holderTables(plan, at, action, holding)}
select ${holderAnswer(plan)}
from input left join changed on changed.n = input.n
order by input.n`)
}

/** Columns of the answer of `finishAndClaimStatement` that speak of what was finished; a claim's follow. */
export const FINISHED_COLUMNS = 3

/**
 * `holderStatement` of finish and `claimStatement` in one: one round trip and one commit for a worker's whole turn.
 * Both parts see the database as it was before, so rows that are being finished are left out by their tokens: one
 * of them may just have outlived its lease. It waits for nobody's lock, as a claim doesn't.
 */
export function finishAndClaimStatement(plan: ClaimsPlan, holding: Holding, choice: Choice): CompiledQuery {
  const { at, query } = parameters()
  const others = `
    and (${job(plan.lease.leaseToken)} = any (${at('tokens')}::uuid[])) is not true`
  return query(`
with ${holderTables(plan, at, 'finish', { ...holding, lock: 'skip' })},
${claimTables(plan, at, choice, others)}
select finished.changed, finished.state, finished.standing, ${answered(plan).join(', ')}
from (
  select input.n, ${holderAnswer(plan)}
  from input left join changed on changed.n = input.n
) as finished
${
  holding.single && choice.limit === 1
    ? 'left join claimed on true'
    : `full join (
  select pg_catalog.row_number() over (order by ${inOrder(plan, '')}) as n, * from claimed
) as claimed on claimed.n = finished.n
order by coalesce(finished.n, claimed.n)`
}`)
}

interface Parts {
  /** A value of each row's, from an array parameter. */
  readonly each: (name: string, parameter: string, type: string) => string
  readonly at: At
}

const ACTIONS: Readonly<Record<HolderAction, (plan: ClaimsPlan, parts: Parts) => readonly string[]>> = {
  finish: ({ state, lease }, { each }) => [
    `${named(state)} = ${each('state', 'states', 'text')}::${castType(state)}`,
    `${named(lease.lastError)} = null`,
  ],
  fail(plan, { each }) {
    const { state, lease, ready, failed, maxAttempts } = plan
    const gone = `(${each('final', 'finals', 'boolean')} or ${job(lease.attempts)} >= ${maxAttempts})`
    const type = castType(state)
    // Half of the wait is certain, half is chance: workers that failed together don't come back together.
    const wait = `${waitSeconds(plan, job(lease.attempts))} * (0.5 + ${each('random', 'randoms', 'double precision')} / 2)`
    return [
      `${named(state)} = case when ${gone} then ${quoteLiteral(failed)}::${type} else ${quoteLiteral(ready[0])}::${type} end`,
      `${named(lease.availableAt)} = ${NOW} + ${seconds(`coalesce(${each('delay', 'delays', 'double precision')}, ${wait})`)}`,
      `${named(lease.lastError)} = ${each('error', 'errors', 'text')}`,
    ]
  },
  renew: ({ state, lease }, { each, at }) => [
    `${named(state)} = coalesce(${each('state', 'states', 'text')}::${castType(state)}, ${job(state)})`,
    `${named(lease.availableAt)} = ${leaseEnd(at)}`,
  ],
  release: ({ state, lease, ready }) => [
    `${named(state)} = ${quoteLiteral(ready[0])}::${castType(state)}`,
    `${named(lease.attempts)} = ${job(lease.attempts)} - 1`,
    `${named(lease.availableAt)} = ${NOW}`,
  ],
}

/** Counts of open rows, by the index of open rows; for one tenant `tenant`. */
export function backlogStatement(
  plan: ClaimsPlan,
  { oneTenant }: { readonly oneTenant: boolean },
): CompiledQuery {
  const { target, tenant, state, lease, ready, working } = plan
  const { at, query } = parameters()
  const due = `${named(lease.availableAt)} <= ${NOW}`
  const waits = `${named(state)} in (${literals(ready)})`
  const runs = `${named(state)} in (${literals(working)})`
  const oldest = (which: string): string =>
    `pg_catalog.date_part('epoch', ${NOW} - min(${named(lease.availableAt)}) filter (where ${which} and ${due}))`
  return query(`
select
  count(*) filter (where ${waits} and ${due})::float8,
  count(*) filter (where ${waits} and not ${due})::float8,
  count(*) filter (where ${runs} and not ${due})::float8,
  count(*) filter (where ${runs} and ${due})::float8,
  ${oldest(waits)},
  ${oldest(runs)}
from ${target.sql}
where ${isOpen(plan)}${oneTenant ? ` and ${named(tenant)} = ${at('tenant')}::${castType(tenant)}` : ''}`)
}
