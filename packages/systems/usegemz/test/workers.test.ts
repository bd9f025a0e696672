/** Searches as claimed work: taken once, taken over, retried, and ended when their time has passed. */
import { runWorker } from '@tenantry/workflow'
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { jobClaims } from '../src/index.ts'
import { JOB_TIME_LIMIT_SECONDS } from '../src/types.ts'
import { tiktokKeyword } from './support/creators.ts'
import { byKeyword, claimed, type GemsDatabase, gemsDatabase, launched, person } from './support/gems.ts'

let place: GemsDatabase
beforeAll(async () => {
  place = await gemsDatabase()
})
afterAll(() => place?.close())
beforeEach(async () => {
  await place.rows('truncate scraping_results, scraping_jobs')
})

const service = () => place.gems.serviceExecutor()

/** Leases of searches ran out an hour ago, longer than any backoff, or their time did; with the lease's token, as its holder could. */
async function passes(column: 'available_at' | 'timeout_at'): Promise<void> {
  await place.rows(`
    with presented as materialized (
      select set_config('tenantry.lease_tokens', (select string_agg(lease_token::text, ',') from scraping_jobs), true) as tokens
    )
    update scraping_jobs set ${column} = now() - interval '1 hour' from presented where tokens is not null`)
}

describe('a claimed search', () => {
  test('goes on behind what another worker has kept, when its lease has run out', async () => {
    const ann = await person(place)
    const { job } = await launched(ann)
    const first = await claimed(place, ann)
    expect(first).toMatchObject({ attempt: 1, tenant: ann.userId, row: { status: 'processing', cursor: 0 } })
    await ann.service.jobs.record(first, { creators: [tiktokKeyword()], cursor: 30 })
    await passes('available_at')
    const second = await claimed(place, ann)
    expect(second).toMatchObject({ id: job.id, attempt: 2, row: { cursor: 30, processedResults: 1 } })
    const stale = { code: 'TENANTRY_STALE_TRANSITION' }
    await expect(ann.service.jobs.record(first, { creators: [tiktokKeyword()] })).rejects.toMatchObject(stale)
    await expect(jobClaims.finish(service(), first)).rejects.toMatchObject(stale)
    await jobClaims.finish(service(), second)
    expect(await ann.scope.jobs.get(job.id)).toMatchObject({ status: 'completed', processedResults: 1 })
  })

  test('is retried after a failure that may pass, which `error` tells, and given up as error at last', async () => {
    const ann = await person(place)
    const { job } = await launched(ann)
    for (let attempt = 1; ; attempt += 1) {
      const claim = await claimed(place, ann)
      expect(claim.attempt).toBe(attempt)
      const outcome = await jobClaims.fail(service(), claim, `rate limited ${attempt}`, { delaySeconds: 0 })
      expect(await ann.scope.jobs.get(job.id)).toMatchObject({ error: `rate limited ${attempt}` })
      if (outcome === 'failed') break
    }
    const failed = await ann.scope.jobs.get(job.id)
    expect(failed).toMatchObject({ status: 'error', attempts: 5 })
    expect(failed.completedAt).toBeInstanceOf(Date)
  })

  test('has its time from when it is first taken up, and no lease outlives it', async () => {
    const ann = await person(place)
    const { job } = await launched(ann)
    expect(job.timeoutAt).toBeNull()
    const { row } = await claimed(place, ann)
    const [times] = await place.rows(
      `select extract(epoch from timeout_at - started_at)::int as limit from scraping_jobs where id = $1`,
      [job.id],
    )
    expect(times).toEqual({ limit: JOB_TIME_LIMIT_SECONDS })
    expect(Number(row.availableAt)).toBeLessThan(Number(row.timeoutAt))
    await passes('available_at')
    const { claims } = await jobClaims.claim(service(), { leaseSeconds: 100_000 })
    expect(claims[0]?.row.availableAt).toEqual(claims[0]?.row.timeoutAt)
    expect(claims[0]?.row.timeoutAt).toEqual(row.timeoutAt)
  })

  test('whose time has passed is ended by whoever comes to it, and worked on by nobody', async () => {
    const ann = await person(place)
    const { job } = await launched(ann)
    const claim = await claimed(place, ann)
    await passes('timeout_at')
    await passes('available_at')
    expect(await jobClaims.claim(service())).toEqual({
      claims: [],
      abandoned: [{ id: job.id, tenant: ann.userId }],
    })
    const ended = await ann.scope.jobs.get(job.id)
    expect(ended).toMatchObject({
      status: 'timeout',
      attempts: 1,
      error: 'the time limit of the job has passed',
    })
    expect(ended.completedAt).toBeInstanceOf(Date)
    await expect(jobClaims.finish(service(), claim)).rejects.toMatchObject({
      code: 'TENANTRY_STALE_TRANSITION',
    })
    expect(await jobClaims.claim(service())).toEqual({ claims: [], abandoned: [] })
  })

  test('whose time has passed is ended by the job too, and no other is', async () => {
    const ann = await person(place)
    const { job } = await launched(ann)
    await claimed(place, ann)
    await passes('timeout_at')
    await passes('available_at')
    const other = await launched(ann)
    const running = await claimed(place, await person(place)).catch(() => null)
    expect(running).toBeNull()
    expect(await place.gems.runJob('time out scraping jobs')).toBe(
      '1 searches whose time has passed are ended',
    )
    expect(await ann.scope.jobs.get(job.id)).toMatchObject({ status: 'timeout' })
    expect(await ann.scope.jobs.get(other.job.id)).toMatchObject({ status: 'pending' })
  })

  test('that waits for a retry when its time passes is ended, not begun again', async () => {
    const ann = await person(place)
    const { job } = await launched(ann)
    await jobClaims.fail(service(), await claimed(place, ann), 'busy', { delaySeconds: 0 })
    await passes('timeout_at')
    expect((await jobClaims.claim(service())).abandoned).toEqual([{ id: job.id, tenant: ann.userId }])
    expect(await ann.scope.jobs.get(job.id)).toMatchObject({ status: 'timeout' })
  })

  test('is given up as timeout when the lease of its last attempt runs out', async () => {
    const ann = await person(place)
    const { job } = await launched(ann)
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      await claimed(place, ann)
      await passes('available_at')
    }
    expect((await jobClaims.claim(service())).abandoned).toEqual([{ id: job.id, tenant: ann.userId }])
    expect(await ann.scope.jobs.get(job.id)).toMatchObject({
      status: 'timeout',
      error: 'the lease of attempt 5 ran out',
    })
  })
})

describeOnServer('workers', () => {
  test('do each search of all people exactly once, in several at a time', async () => {
    const people = await Promise.all(Array.from({ length: 4 }, () => person(place)))
    for (const ann of people) {
      const { campaign } = await launched(ann)
      for (let more = 0; more < 9; more += 1) {
        await ann.scope.jobs.start({ campaignId: campaign.id, search: byKeyword })
      }
    }
    const done: string[] = []
    const stop = new AbortController()
    const workers = Array.from({ length: 3 }, () =>
      runWorker({
        claims: jobClaims,
        system: place.gems,
        concurrency: 4,
        signal: stop.signal,
        async handler({ claim, scope }) {
          done.push(claim.id)
          const job = await scope.jobs.record(claim, { creators: [tiktokKeyword(claim.tenant)], cursor: 1 })
          if (done.length === people.length * 10) stop.abort()
          return { set: { runId: `run of ${job.userId}` } }
        },
      }),
    )
    await Promise.all(workers)
    expect(new Set(done).size).toBe(40)
    expect(done).toHaveLength(40)
    for (const ann of people) {
      const { items } = await ann.scope.jobs.list({ limit: 20 })
      expect(items.map(({ status, processedResults, runId }) => [status, processedResults, runId])).toEqual(
        items.map(() => ['completed', 1, `run of ${ann.userId}`]),
      )
      const { items: results } = await ann.scope.results.list({ limit: 20 })
      expect(results.flatMap(({ creators }) => creators)).toEqual(
        Array.from({ length: 10 }, () => tiktokKeyword(ann.userId)),
      )
    }
  })
})
