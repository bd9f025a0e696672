/**
 * Plan limits, and beside them the trigger that counts rows, against pgbench of a plain insert: of a row of the
 * documented usage table, over as many connections. Both sides are one statement and one commit, except that a hold
 * and its commit are two of each.
 */
import { type CompiledQuery, connect, type Database, PlanLimitError } from '@tenantry/core'
import { tenantExecutor } from '@tenantry/rls'
import postgres from 'postgres'
import { sent } from './claims-sent.ts'
import { concurrentBlock, median } from './interleave.ts'
import {
  CAP,
  createLimitsDatabase,
  plans,
  tenancy,
  tenantExpression,
  tenantId,
  TENANTS,
} from './limits-database.ts'
import { pgbench } from './pgbench.ts'
import type { Line } from './table.ts'

const CLIENTS = 10
/** Callers in one process that share its connections, as requests of one large customer do. */
const HOT_CALLERS = 100

interface Bench {
  readonly owner: postgres.Sql
  readonly ownerUrl: string
  readonly appUrl: string
  readonly app: Database
  readonly scripts: Scripts
}

interface Scripts {
  readonly insert: string
  readonly consume: string
  readonly holdAndCommit: string
  readonly denial: string
  readonly counting: string
  /** What a denial can't be faster than, since it is a statement too. */
  readonly nothing: string
}

type Side = keyof Scripts | 'hot' | 'hotDenial'

const SIDES: Readonly<Partial<Record<Side, string>>> = {
  counting: 'a trigger that counts',
  nothing: 'pgbench, select 1',
}

export async function limitLines(serverUrl: string, quick: boolean): Promise<readonly Line[]> {
  const database = await createLimitsDatabase(serverUrl)
  const owner = postgres(database.ownerUrl, { max: 2, onnotice: () => {} })
  const app = await connect({ url: database.appUrl, maxConnections: CLIENTS })
  const bench: Bench = {
    owner,
    ownerUrl: database.ownerUrl,
    appUrl: database.appUrl,
    app,
    scripts: await scriptsOf(app),
  }
  try {
    await prepare(bench)
    const rates = await measured(bench, quick)
    if (rates === null) return []
    const line = (of: Side, name: string, target?: number): Line => ({
      scenario: name,
      measure: 'throughput',
      of: SIDES[of] ?? 'tenantry',
      reference: 'pgbench, plain insert of usage',
      ours: `${Math.round(median(rates[of]))}/s`,
      other: `${Math.round(median(rates.insert))}/s`,
      ratio: median(rates[of].map((value, round) => value / (rates.insert[round] ?? Number.NaN))),
      ...(target === undefined ? {} : { target: { relation: '≥', value: target } as const }),
    })
    return [
      line('consume', `limits, ${TENANTS} tenants`, 0.85),
      line('hot', 'limits, one hot tenant', 0.65),
      line('holdAndCommit', 'limits, hold and commit', 0.5),
      line('denial', 'limits, denial', 3),
      line('hotDenial', 'limits, denial of one hot tenant'),
      line('nothing', 'limits, a statement alone'),
      line('counting', 'limits, hot tenant of 10,000 rows'),
      ...(await overshoots(bench)),
    ]
  } finally {
    await app.close()
    await owner.end({ timeout: 5 })
    await database.remove()
  }
}

/** The very statements that the library sends, with a tenant by chance. */
async function scriptsOf(app: Database): Promise<Scripts> {
  const tenant = tenantExpression(':tenant')
  const some = `\\set tenant random(1, ${TENANTS})\n`
  const { gate } = tenantExecutor(app, tenancy, { userId: tenantId(1) })
  const identity = { role: 'tenant', tenant: 'x', gate, database: app } as const
  const context = {
    tenant,
    tenantry_user: `(${tenant})::text`,
    tenantry_claims: `'{}'`,
    feature: `'posts'`,
    subject: `''`,
    amount: '1',
  }
  const consume = await sent((executor) => plans.bind(executor).consume('posts'), identity)
  const hold = await sent(
    (executor) => plans.bind(executor).hold('posts', 1, { key: 'k', ttlMs: 60_000 }),
    identity,
  )
  const commit = await sent(
    (executor) => plans.bind(executor).commit({ id: tenantId(1), amount: 1 }),
    identity,
  )
  const consuming = filled(consume.query, { ...context, key: 'null', answer: 'true' })
  // Of the answer pgbench can keep the id only.
  const holding = filled(hold.query, { ...context, key: 'gen_random_uuid()::text', ttlMs: '60000' }).replace(
    /^select (.*?) where/s,
    `select ($1) ->> 'id' as hold where`,
  )
  return {
    insert: `${some}insert into plain_usage (user_id, resource_type, cost) values (${tenant}, 'posts', 1);`,
    consume: `${some}${consuming};`,
    holdAndCommit: `${some}${holding} \\gset\n${filled(commit.query, { ...context, hold: ':hold', actual: '1' })};`,
    denial: `\\set tenant random(2001, 3000)\n${consuming};`,
    nothing: 'select 1;',
    counting: `insert into counted_usage (user_id, resource_type, cost) values (${tenantExpression('1')}, 'posts', 1);`,
  }
}

function filled(query: CompiledQuery, values: Readonly<Record<string, string>>): string {
  const names = query.params.map((param) => String(Reflect.get(Object(param), 'name')))
  return query.text.replaceAll(
    /\$(\d+)/g,
    (_, number: string) => values[names[Number(number) - 1] ?? ''] ?? 'null',
  )
}

async function prepare({ owner }: Bench): Promise<void> {
  // Tenants whose plan has nothing left.
  await owner.unsafe(
    `insert into subscriptions (user_id, plan) select ${tenantExpression('n')}, 'capped' from generate_series(2001, 3000) as n`,
  )
  await owner.unsafe(
    `select tenantry.limit_consume(${tenantExpression('n')}, 'posts', '', ${CAP}, null) from generate_series(2001, 3000) as n`,
  )
  await owner.unsafe(
    `alter table counted_usage disable trigger count_usage;
    insert into counted_usage (user_id, resource_type, cost) select ${tenantExpression('1')}, 'posts', 1 from generate_series(1, 10000);
    create or replace function count_usage() returns trigger language plpgsql as $$
    begin
      if (select count(*) from counted_usage where user_id = new.user_id and created_at >= date_trunc('month', now())) >= 1000000 then
        raise exception 'limit reached' using errcode = 'TN002';
      end if;
      return new;
    end $$;
    alter table counted_usage enable trigger count_usage`,
  )
}

async function measured(bench: Bench, quick: boolean): Promise<Record<Side, number[]> | null> {
  const rates: Record<Side, number[]> = {
    insert: [],
    consume: [],
    holdAndCommit: [],
    denial: [],
    counting: [],
    nothing: [],
    hot: [],
    hotDenial: [],
  }
  // Each run connects anew: so many that it doesn't matter what a connection does once, such as compile functions.
  const transactions = quick ? 2000 : 4000
  for (let round = -1; round < (quick ? 3 : 7); round++) {
    for (const side of ['insert', 'consume', 'holdAndCommit', 'denial', 'nothing', 'counting'] as const) {
      const url = side === 'insert' || side === 'counting' ? bench.ownerUrl : bench.appUrl
      const calls = side === 'counting' ? transactions / 10 : transactions
      const rate = await pgbench(url, bench.scripts[side], { clients: CLIENTS, transactions: calls })
      if (rate === null) return null
      if (round >= 0) rates[side].push(rate)
    }
    const hot = await hotRate(bench, 1, transactions * CLIENTS)
    const hotDenial = await hotRate(bench, 2001, transactions * CLIENTS)
    if (round >= 0) {
      rates.hot.push(hot)
      rates.hotDenial.push(hotDenial)
    }
    await bench.owner.unsafe('truncate plain_usage')
    await bench.owner.unsafe('vacuum analyze tenantry.limit_counters, tenantry.limit_holds')
  }
  return rates
}

/** Through the library, in one process: calls that wait for the same counter travel together. */
function hotRate({ app }: Bench, tenant: number, calls: number): Promise<number> {
  const executor = tenantExecutor(app, tenancy, { userId: tenantId(tenant) })
  const call = async (): Promise<void> => {
    try {
      await plans.bind(executor).consume('posts')
    } catch (error) {
      if (!(error instanceof PlanLimitError)) throw error
    }
  }
  return concurrentBlock(calls, HOT_CALLERS)(call, 0)
}

/** Everybody at one tenant whose plan has CAP: how many came through beyond it. */
async function overshoots({ owner, ownerUrl }: Bench): Promise<readonly Line[]> {
  const tenant = tenantExpression('4000')
  await owner.unsafe(`insert into subscriptions (user_id, plan) values (${tenant}, 'capped')`)
  await owner.unsafe(`create or replace function count_usage() returns trigger language plpgsql as $$
    begin
      if (select count(*) from counted_usage where user_id = new.user_id and created_at >= date_trunc('month', now())) >= ${CAP} then
        raise exception 'limit reached' using errcode = 'TN002';
      end if;
      return new;
    end $$`)
  const load = { clients: CLIENTS, transactions: (2 * CAP) / CLIENTS }
  await pgbench(ownerUrl, `select try_consume(${tenant});`, load)
  await pgbench(ownerUrl, `select try_count(${tenant});`, load)
  const [row] = await owner.unsafe<{ used: number; counted: number }[]>(
    `select (select used::float8 from tenantry.limit_counters where account = ${tenant}) as used,
      (select count(*)::float8 from counted_usage where user_id = ${tenant}) as counted`,
  )
  const [used, counted] = [row?.used ?? Number.NaN, row?.counted ?? Number.NaN]
  return [
    {
      scenario: `limits, overshoot of ${CAP}`,
      measure: 'admitted',
      of: 'tenantry',
      reference: 'a trigger that counts',
      ours: String(used),
      other: String(counted),
      ratio: used / CAP,
      target: { relation: '≤', value: 1 },
    },
  ]
}
