/** One worker and what happens around it. Waits are for events, not for time. */
import { type Answer, connect, type Database, SerializationError } from '@tenantry/core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { describeOnServer, describeThroughPooler } from '@tenantry/testing/vitest'
import { serviceExecutor } from '@tenantry/rls'
import { JobFailure, runWorker, type WorkerEvent, type WorkerOptions } from '../src/index.ts'
import { jobClaims, type jobs, objects, schema } from './support/jobs.ts'
import { ALICE, BOB, createSystem, latch, type Setup } from './support/setup.ts'

type Options = WorkerOptions<typeof jobs, JobState, string>
type JobState = (typeof jobClaims.machine.states)[number]
type Event = WorkerEvent<typeof jobs>

let test: Setup
const stops: (() => Promise<void>)[] = []
beforeAll(async () => {
  test = await createSystem('jobs', { schema, objects })
})
afterAll(() => test.close())
beforeEach(() => test.raw('truncate jobs, outputs'))
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

const systemOn = (database: Database) => ({
  database,
  serviceExecutor: () => serviceExecutor(database),
  asService: () => ({ tenant: (id: string) => `scope of ${id}` }),
})

const add = (count = 1, tenant = ALICE) =>
  test.raw(
    `insert into jobs (user_id, title) select $1, 'job ' || n from generate_series(1, $2::integer) as n`,
    tenant,
    count,
  )

const states = async () =>
  (await test.raw('select status, count(*)::integer from jobs group by status order by status')).map(
    ([status, count]) => [status, count],
  )

/** Starts a worker that polls so seldom that a test in which it must be woken can't pass by polling. */
function start(options: Partial<Options> & Pick<Options, 'handler'>, database = test.database) {
  const events: Event[] = []
  const watchers = new Set<() => void>()
  const controller = new AbortController()
  const ended = runWorker<typeof jobs, JobState, string>({
    claims: jobClaims,
    system: systemOn(database),
    pollSeconds: 3600,
    ...options,
    signal: controller.signal,
    onEvent(event) {
      events.push(event)
      for (const look of watchers) look()
    },
  })
  const stop = () => {
    controller.abort()
    return ended
  }
  stops.push(stop)
  const count = (type: Event['type']) =>
    events.reduce(
      (sum, event) => sum + (event.type === type ? ('claims' in event ? event.claims.length : 1) : 0),
      0,
    )
  const until = (type: Event['type'], wanted = 1) =>
    new Promise<void>((resolve) => {
      const look = () => {
        if (count(type) < wanted) return
        watchers.delete(look)
        resolve()
      }
      watchers.add(look)
      look()
    })
  return { events, until, count, stop, ended, abort: () => controller.abort() }
}

describe('a worker', () => {
  it('works on each row in the scope of its tenant, and writes what the handler returns', async () => {
    await add(3)
    await add(2, BOB)
    const scopes: string[] = []
    const worker = start({
      concurrency: 2,
      batch: 4,
      async handler({ row, scope }) {
        scopes.push(scope)
        await Promise.resolve()
        return { set: { result: { words: row.title.length } }, to: row.userId === BOB ? 'empty' : 'done' }
      },
    })
    await worker.until('finished', 5)
    expect(scopes.toSorted()).toEqual([
      ...Array.from({ length: 3 }, () => `scope of ${ALICE}`),
      `scope of ${BOB}`,
      `scope of ${BOB}`,
    ])
    expect(await states()).toEqual([
      ['done', 3],
      ['empty', 2],
    ])
  })

  it('never works on more than its concurrency at once, nor claims more than it can hold', async () => {
    await add(12)
    let [now, most] = [0, 0]
    const worker = start({
      concurrency: 3,
      batch: 5,
      async handler() {
        now++
        most = Math.max(most, now)
        await test.raw('select 1')
        now--
      },
    })
    await worker.until('finished', 12)
    expect(most).toBe(3)
    for (const event of worker.events)
      if (event.type === 'claimed') expect(event.claims.length).toBeLessThanOrEqual(5)
  })

  it('puts a row back whose handler throws, and gives up where trying again is no use', async () => {
    await add(2)
    const worker = start({
      concurrency: 2,
      async handler({ row }) {
        await Promise.resolve()
        throw row.title === 'job 1' ? new Error('no luck') : new JobFailure('bad input', { final: true })
      },
    })
    await Promise.all([worker.until('retried'), worker.until('failed')])
    expect(await test.raw('select status, last_error from jobs order by title')).toEqual([
      ['queued', 'Error: no luck'],
      ['failed', 'JobFailure: bad input'],
    ])
  })

  it('finishes the other rows of a batch when the values of one are refused, and fails that one', async () => {
    await add(3)
    const worker = start({
      concurrency: 3,
      async handler({ row }) {
        await Promise.resolve()
        return { set: { title: row.title === 'job 2' ? 'not \u0000 text' : 'fine' } }
      },
    })
    await Promise.all([worker.until('finished', 2), worker.until('retried')])
    expect(await test.raw('select status, title from jobs order by status, title')).toEqual([
      ['done', 'fine'],
      ['done', 'fine'],
      ['queued', 'job 2'],
    ])
  })

  /** The service role's executor, with something done around each statement. */
  const around = (
    wrap: (text: string, run: () => Promise<Answer>) => Promise<Answer>,
  ): WorkerOptions<typeof jobs, JobState, string>['system'] => {
    const service = serviceExecutor(test.database)
    const wrapped = {
      ...service,
      run: (...call: Parameters<typeof service.run>) => wrap(call[0].text, () => service.run(...call)),
    }
    return { ...systemOn(test.database), serviceExecutor: () => wrapped }
  }

  it('finishes a row and claims the next by one statement', async () => {
    await add(5)
    let statements = 0
    const worker = start({
      handler: () => Promise.resolve(),
      system: around((_text, run) => {
        statements++
        return run()
      }),
    })
    await worker.until('finished', 5)
    expect(await states()).toEqual([['done', 5]])
    // The first claims only.
    expect(statements).toBe(6)
  })

  it('finishes beside a claim that fails, and goes on', async () => {
    await add(2)
    let failures = 0
    const worker = start({
      handler: () => Promise.resolve(),
      system: around((text, run) =>
        text.includes('claimed (') && failures++ === 0
          ? Promise.reject(new SerializationError('could not serialize access'))
          : run(),
      ),
      pollSeconds: 0.01,
    })
    await worker.until('finished', 2)
    expect(failures).toBeGreaterThan(0)
    expect(worker.count('error')).toBe(2)
    expect(await states()).toEqual([['done', 2]])
  })

  it('finishes a row although the next one may not be claimed, and says nothing of it in the row', async () => {
    await test.raw(
      `create function refuse_bob() returns trigger language plpgsql as 'begin raise exception ''of bob'' using errcode = ''23514''; end'`,
    )
    await test.raw(
      `create trigger refuse_bob before update on jobs for each row
       when (new.user_id = '${BOB}' and new.status = 'fetching') execute function refuse_bob()`,
    )
    try {
      await add(1)
      await add(1, BOB)
      const worker = start({ handler: () => Promise.resolve() })
      stops.splice(0)
      await expect(worker.ended).rejects.toMatchObject({ code: 'TENANTRY_CHECK' })
      expect(worker.count('finished')).toBe(1)
      expect(
        await test.raw('select user_id, status, attempts, last_error from jobs order by user_id'),
      ).toEqual([
        [ALICE, 'done', 1, null],
        [BOB, 'queued', 0, null],
      ])
    } finally {
      await test.raw('drop function refuse_bob() cascade')
    }
  })

  it('begins nothing that a claim brings after it was stopped, and puts it back', async () => {
    await add(3)
    let begun = 0
    const worker = start({
      concurrency: 3,
      handler: () => {
        begun++
        return Promise.resolve()
      },
      system: around(async (_text, run) => {
        const answer = await run()
        worker.abort()
        return answer
      }),
    })
    await worker.ended
    expect(begun).toBe(0)
    expect(await test.raw('select distinct status, attempts from jobs')).toEqual([['queued', 0]])
  })

  it('whose handler finishes the row by itself has finished it, however the handler ends', async () => {
    await add(2)
    const { open, opened } = latch()
    const worker = start({
      concurrency: 2,
      leaseSeconds: 0.3,
      system: around(async (text, run) => {
        const answer = await run()
        // Renewed after both are done.
        if (text.includes('locked as') && !text.includes('claimed (') && finished === 2) open()
        return answer
      }),
      async handler({ row, claim, signal }) {
        await jobClaims.finish(test.service, claim)
        finished++
        await opened
        expect(signal.aborted).toBe(false)
        if (row.title === 'job 2') throw new Error('after it was done')
      },
    })
    let finished = 0
    await worker.until('finished', 2)
    expect(worker.count('lost')).toBe(0)
    expect(await states()).toEqual([['done', 2]])
  })

  it.each([
    ['concurrency', { concurrency: Number.POSITIVE_INFINITY }],
    ['batch', { batch: 0.5 }],
    ['pollSeconds', { pollSeconds: 1e9 }],
    ['leaseSeconds', { leaseSeconds: Number.NaN }],
  ])('refuses a %s that it could not keep', async (name, options) => {
    const worker = start({ handler: () => Promise.resolve(), ...options })
    stops.splice(0)
    await expect(worker.ended).rejects.toThrow(name)
  })

  it('retries whatever is thrown, and refuses a delay that is none', async () => {
    await add(2)
    const worker = start({
      concurrency: 2,
      handler: async ({ row }) => {
        await Promise.resolve()
        if (row.title === 'job 1') throw Object.create(null)
        throw new JobFailure('later', { delaySeconds: Number.NaN })
      },
    })
    await worker.until('retried', 2)
    expect(await test.raw('select last_error from jobs order by title')).toEqual([
      ['the handler threw a value that can not be printed'],
      [expect.stringContaining('delaySeconds of a JobFailure')],
    ])
  })

  it('when it is stopped finishes what it has begun and puts the rest back', async () => {
    await add(10)
    const { open, opened } = latch()
    const worker = start({ concurrency: 2, batch: 6, handler: () => opened })
    await worker.until('claimed', 6)
    worker.abort()
    await worker.until('released')
    expect(worker.count('released')).toBe(4)
    open()
    await worker.ended
    expect(await states()).toEqual([
      ['done', 2],
      ['queued', 8],
    ])
    expect(await test.raw(`select max(attempts) from jobs where status = 'queued'`)).toEqual([[0]])
  })

  it('tells the handler when another worker has taken its row, and drops what it did', async () => {
    await add(1)
    const { open, opened } = latch()
    const worker = start({
      leaseSeconds: 0.3,
      async handler({ claim, signal }) {
        // Somebody finds the lease run out, although this worker is alive.
        await test.raw(
          `with presented as materialized (select set_config('tenantry.lease_tokens', $1, true) as tokens)
           update jobs set available_at = now() - interval '1 minute' from presented where tokens is not null`,
          claim.token,
        )
        const { claims } = await jobClaims.claim(test.service, { leaseSeconds: 60 })
        expect(claims).toHaveLength(1)
        await new Promise((resolve) => signal.addEventListener('abort', resolve))
        open()
        return { set: { title: 'by the late one' } }
      },
    })
    await Promise.all([opened, worker.until('lost')])
    await worker.stop()
    expect(await test.raw('select status, title, attempts from jobs')).toEqual([['fetching', 'job 1', 2]])
    expect(worker.count('finished')).toBe(0)
  })

  it('keeps the lease of long work by renewing it', async () => {
    await add(1)
    const { open, opened } = latch()
    const worker = start({ leaseSeconds: 0.6, handler: () => opened })
    await worker.until('claimed')
    const [[first]] = (await test.raw('select available_at::text from jobs')) as [[string]]
    let later = first
    while (later === first) {
      // The embedded server answers without ever letting a timer run.
      await new Promise((next) => setTimeout(next, 20))
      ;[[later]] = (await test.raw('select available_at::text from jobs')) as [[string]]
    }
    expect((await jobClaims.claim(test.service)).claims).toEqual([])
    open()
    await worker.until('finished')
  })

  it('is woken by a new row, and by one that is put back, without waiting for its poll', async () => {
    let final = true
    const worker = start({
      // A place stays free, so that it waits already when the row has failed.
      concurrency: 2,
      async handler() {
        await Promise.resolve()
        if (final) throw new JobFailure('not yet', { final })
      },
    })
    await worker.until('started')
    expect(worker.events).toContainEqual({ type: 'started', listening: true })
    await add(1)
    await worker.until('failed')
    final = false
    await test.raw(`update jobs set status = 'queued'`)
    await worker.until('finished')
  })

  it('rejects when claiming is impossible, and says why', async () => {
    await test.raw('alter table jobs rename to renamed')
    try {
      const worker = start({ handler: async () => {} })
      stops.splice(0)
      await expect(worker.ended).rejects.toMatchObject({ code: 'TENANTRY_DATABASE', sqlState: '42P01' })
    } finally {
      await test.raw('alter table renamed rename to jobs')
    }
  })
})

describeOnServer('a worker whose finished row somebody has locked', () => {
  it('goes on with the next, and has the row finished once it is free', async () => {
    await add(2)
    const [locked, free] = [latch(), latch()]
    let locking: Promise<unknown> = Promise.resolve()
    const worker = start({
      async handler({ row }) {
        if (row.title !== 'job 1') return
        locking = test.database.driver.transaction({}, async (connection) => {
          await connection.query({ text: 'select id from jobs where id = $1 for update', params: [row.id] })
          locked.open()
          await free.opened
        })
        await locked.opened
      },
    })
    await worker.until('finished')
    expect(await states()).toEqual([
      ['done', 1],
      ['fetching', 1],
    ])
    free.open()
    await locking
    await worker.until('finished', 2)
    expect(await states()).toEqual([['done', 2]])
    expect(worker.count('lost')).toBe(0)
  })
})

describeOnServer('a worker whose connections are killed', () => {
  it('reports it, claims again, and finishes the row that it was working on', async () => {
    const database = await connect(test.url)
    await add(1)
    const kill = () =>
      test.raw(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid() and application_name = 'tenantry' and query not like '%pg_terminate%'`,
      )
    const worker = start(
      {
        pollSeconds: 0.2,
        async handler() {
          await kill()
        },
      },
      database,
    )
    await worker.until('finished')
    await kill()
    await add(1)
    await worker.until('finished', 2)
    await worker.stop()
    await database.close()
    expect(await states()).toEqual([['done', 2]])
  })
})

describeThroughPooler('a worker behind a pooler', () => {
  it('polls', async () => {
    const database = await connect({ url: test.poolerUrl, situation: 'pooler' })
    const worker = start({ pollSeconds: 0.1, handler: async () => {} }, database)
    await worker.until('started')
    expect(worker.events).toContainEqual({ type: 'started', listening: false })
    await add(3)
    await worker.until('finished', 3)
    await worker.stop()
    await database.close()
  })
})
