/** Claimed work against pgbench and graphile-worker, and a transition against the same SQL by hand. */
import { bindQuery, connect, type Database, encodeParam, type Executor } from '@tenantry/core'
import { serviceExecutor, tenantExecutor } from '@tenantry/rls'
import { runWorker } from '@tenantry/workflow'
import { Logger, run as runGraphile, runMigrations } from 'graphile-worker'
import postgres from 'postgres'
import { articleTransitions, createClaimsDatabase, jobClaims, tenancy } from './claims-database.ts'
import { pgbenchRate } from './claims-pgbench.ts'
import { sent } from './claims-sent.ts'
import { median, serialBlock } from './interleave.ts'
import type { Line } from './table.ts'

const BATCHES = [1, 10, 100] as const
/** Connections of each side, and clients of pgbench. */
const CLIENTS = 4
const TENANT = 'user_1'
/** Pairs of transitions in a block: there and back. */
const TRANSITIONS = 100

interface Bench {
  readonly owner: postgres.Sql
  readonly ownerUrl: string
  readonly appUrl: string
  readonly app: Database
  readonly service: Executor
}

export async function claimLines(serverUrl: string, quick: boolean): Promise<readonly Line[]> {
  const database = await createClaimsDatabase(serverUrl)
  const owner = postgres(database.ownerUrl, { max: 2, onnotice: () => {} })
  const app = await connect({ url: database.appUrl, maxConnections: CLIENTS })
  const bench: Bench = {
    owner,
    ownerUrl: database.ownerUrl,
    appUrl: database.appUrl,
    app,
    service: serviceExecutor(app),
  }
  const rounds = quick ? 2 : 5
  try {
    await runMigrations({ connectionString: database.ownerUrl })
    const lines: Line[] = []
    for (const batch of BATCHES) {
      const rows = (batch === 1 ? 4000 : 10_000) / (quick ? 2 : 1)
      lines.push(...(await claimsAt(bench, { batch, rows, rounds })))
    }
    lines.push(await transition(bench, rounds * 4))
    return lines
  } finally {
    await app.close()
    await owner.end({ timeout: 5 })
    await database.remove()
  }
}

interface Load {
  readonly batch: number
  readonly rows: number
  readonly rounds: number
}

/** All sides do the same number of rows in each round, in turns. */
async function claimsAt(bench: Bench, load: Load): Promise<readonly Line[]> {
  const rates = {
    statements: [] as number[],
    worker: [] as number[],
    pgbench: [] as number[],
    graphile: [] as number[],
  }
  // A worker runs for days: the first round, in which its code is compiled, doesn't count for any side.
  for (let round = -1; round < load.rounds; round++) {
    const note = (side: keyof typeof rates, found: number | null): void => {
      if (found !== null && round >= 0) rates[side].push(found)
    }
    await refill(bench, load.rows)
    note('statements', await rate(load.rows, () => statements(bench, load)))
    await refill(bench, load.rows)
    note('pgbench', await pgbenchRate(bench.ownerUrl, { ...load, clients: CLIENTS }))
    await refill(bench, load.rows)
    note('worker', await rate(load.rows, () => worker(bench, load)))
    note('graphile', await graphile(bench, load))
  }
  const line = (
    of: keyof typeof rates,
    side: string,
    against: keyof typeof rates,
    reference: string,
    target: number,
  ): Line => ({
    scenario: `claim and finish, batch ${load.batch}`,
    measure: 'throughput',
    of: side,
    reference,
    ours: `${Math.round(median(rates[of]))}/s`,
    other: `${Math.round(median(rates[against]))}/s`,
    ratio: median(rates[of].map((value, round) => value / (rates[against][round] ?? Number.NaN))),
    target: { relation: '≥', value: target },
  })
  return [
    ...(rates.pgbench.length === 0
      ? []
      : [line('statements', 'tenantry', 'pgbench', 'pgbench, same statements', 0.4)]),
    line('worker', 'tenantry, runWorker', 'graphile', 'graphile-worker', 1),
  ]
}

async function refill({ owner }: Bench, rows: number): Promise<void> {
  await owner.unsafe('truncate jobs')
  await owner.unsafe(
    `insert into jobs (user_id) select 'user_' || n % 100 from generate_series(1, ${rows}) as n`,
  )
  await owner.unsafe('analyze jobs')
}

async function rate(rows: number, work: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return rows / ((performance.now() - started) / 1000)
}

function statements({ service }: Bench, { batch }: Load): Promise<unknown> {
  const loop = async (): Promise<void> => {
    for (;;) {
      const { claims } = await jobClaims.claim(service, { limit: batch })
      if (claims.length === 0) return
      await jobClaims.finishAll(
        service,
        claims.map((claim) => ({ claim })),
      )
    }
  }
  return Promise.all(Array.from({ length: CLIENTS }, loop))
}

async function worker({ app, service }: Bench, { batch, rows }: Load): Promise<void> {
  const controller = new AbortController()
  let left = rows
  await runWorker({
    claims: jobClaims,
    system: {
      database: app,
      serviceExecutor: () => service,
      asService: () => ({ tenant: (id: string) => id }),
    },
    concurrency: batch,
    batch,
    signal: controller.signal,
    handler: () => Promise.resolve(),
    onEvent(event) {
      if (event.type === 'finished' && --left === 0) controller.abort()
    },
  })
}

/** With as many connections; it has no batches, so as many jobs at once as a batch has. */
async function graphile({ owner, ownerUrl }: Bench, { batch, rows }: Load): Promise<number> {
  await owner.unsafe(`select graphile_worker.add_job('noop', '{}'::json) from generate_series(1, ${rows})`)
  await owner.unsafe('analyze')
  let left = rows
  let finished = () => {}
  const done = new Promise<void>((resolve) => (finished = resolve))
  return rate(rows, async () => {
    const runner = await runGraphile({
      connectionString: ownerUrl,
      maxPoolSize: CLIENTS,
      concurrency: batch,
      noHandleSignals: true,
      // It would print a line for every job.
      logger: new Logger(() => () => {}),
      taskList: {
        noop() {
          if (--left === 0) finished()
        },
      },
    })
    await done
    await runner.stop()
  })
}

/** The statement that `move` runs, sent by hand with the same login: what is left is the library. */
async function transition({ app, owner, appUrl }: Bench, rounds: number): Promise<Line> {
  const [article] = await owner<
    { id: string }[]
  >`insert into articles (user_id) values (${TENANT}) returning id`
  const id = article?.id ?? ''
  const tenant = tenantExecutor(app, tenancy, { userId: TENANT })
  const hand = postgres(appUrl, { max: 1, onnotice: () => {} })
  const times = { ours: [] as number[], hand: [] as number[] }
  try {
    const context = { tenantry_user: TENANT, tenantry_organization: '', tenantry_claims: '' }
    const [review, draft] = await Promise.all(
      (['review', 'draft'] as const).map((to) => moveStatement(tenant.gate, id, to, context)),
    )
    const sides: Readonly<Record<keyof typeof times, readonly (() => Promise<unknown>)[]>> = {
      ours: [
        () => articleTransitions.move(tenant, id, 'review'),
        () => articleTransitions.move(tenant, id, 'draft'),
      ],
      hand: [review, draft].map((sent) => async () => {
        const [row] = await hand
          .unsafe(sent?.text ?? '', [...(sent?.params ?? [])], { prepare: true })
          .values()
        if (row?.[2] !== true) throw new Error('The row did not move')
      }),
    }
    for (let round = -2; round < rounds; round++) {
      for (const side of ['ours', 'hand'] as const) {
        const time = await serialBlock(2 * TRANSITIONS)(
          (index) => sides[side][index % 2]?.() ?? Promise.resolve(),
          0,
        )
        if (round >= 0) times[side].push(time)
      }
    }
  } finally {
    await hand.end({ timeout: 5 })
  }
  return {
    scenario: 'workflow transition',
    measure: 'p50',
    of: 'tenantry',
    reference: 'the same SQL by hand',
    ours: `${Math.round(median(times.ours))} µs`,
    other: `${Math.round(median(times.hand))} µs`,
    ratio: median(times.ours.map((value, round) => value / (times.hand[round] ?? Number.NaN))),
    target: { relation: '≤', value: 1.2 },
  }
}

async function moveStatement(
  gate: Executor['gate'],
  id: string,
  to: 'review' | 'draft',
  context: Readonly<Record<string, unknown>>,
): Promise<{ readonly text: string; readonly params: readonly (string | null)[] }> {
  const { query, values } = await sent((executor) => articleTransitions.move(executor, id, to), {
    role: 'tenant',
    tenant: TENANT,
    gate,
  })
  const { text, params } = bindQuery(query, { ...values, ...context })
  return { text, params: params.map(encodeParam) }
}
