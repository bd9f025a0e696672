/** How long searches and what they found are kept, and how they come back. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { directoryArchive, placeHold, releaseHold } from '@tenantry/retention'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { defineUsegemz, usegemz } from '../src/index.ts'
import { tiktokKeyword } from './support/creators.ts'
import { type GemsDatabase, gemsDatabase, launched, person, type Person } from './support/gems.ts'

let place: GemsDatabase
let directory: string
beforeAll(async () => {
  place = await gemsDatabase()
})
afterAll(() => place?.close())
beforeEach(async () => {
  await place.rows('truncate user_profiles cascade')
  directory = await mkdtemp(join(tmpdir(), 'usegemz-archive-'))
})
afterEach(() => rm(directory, { recursive: true }))

const archiving = () => defineUsegemz({ archive: directoryArchive(directory) })
const RULES = ['failed_jobs', 'scraping_results', 'scraping_jobs', 'search_results', 'search_jobs']

/** Searches that ended so many days ago, with a find where they found something; and those of an earlier version. */
async function search(of: Person, daysAgo: number, status: 'completed' | 'timeout' | 'error', found = 0) {
  await place.rows('alter table scraping_jobs disable trigger user')
  const [job] = await place.rows<{ id: string }>(
    `insert into scraping_jobs (user_id, keywords, status, processed_results, created_at, completed_at)
     values ($1, '["x"]', $2, $3, now() - make_interval(days => $4), now() - make_interval(days => $4)) returning id`,
    [of.userId, status, found, daysAgo],
  )
  await place.rows('alter table scraping_jobs enable trigger user')
  if (found > 0) {
    await place.rows(
      `insert into scraping_results (user_id, job_id, creators, created_at)
       values ($1, $2, $3, now() - make_interval(days => $4))`,
      [of.userId, job?.id, JSON.stringify([tiktokKeyword()]), daysAgo],
    )
  }
  return job?.id ?? ''
}

async function legacy({ userId }: Person, daysAgo: number) {
  const id = `job_${crypto.randomUUID()}`
  await place.rows(
    `insert into search_jobs (id, user_id, platform, search_type, total_count, created_at)
     values ($1, $2, 'TikTok', 'keyword', 1, now() - make_interval(days => $3))`,
    [id, userId, daysAgo],
  )
  await place.rows(
    `insert into search_results (user_id, job_id, profile_id, username, platform, raw_data, created_at)
     values ($1, $2, 'p', 'u', 'TikTok', '{"n": 12345678901234567890.5}', now() - make_interval(days => $3))`,
    [userId, id, daysAgo],
  )
}

const left = async (of: Person) => {
  const { items } = await of.scope.jobs.list({ limit: 100 })
  return items.map(({ id }) => id).toSorted()
}

describe('failed searches', () => {
  test('that found nothing go after 30 days, by the job; those that found something, and young ones, stay', async () => {
    const ann = await person(place)
    const stay = [
      await search(ann, 29, 'timeout'),
      await search(ann, 31, 'timeout', 1),
      await search(ann, 31, 'completed'),
      (await launched(ann)).job.id,
    ]
    await search(ann, 31, 'timeout')
    await search(ann, 31, 'error')
    const [plan] = await usegemz.retention.plan(place.database, { rules: ['failed_jobs'] })
    expect(plan).toMatchObject({
      action: 'delete',
      age: '30 days',
      phases: [{ rows: 2 }],
      blockers: [],
      // What found something stays.
      warnings: [{ code: 'reference' }],
    })
    expect(await left(ann)).toHaveLength(6)
    expect(await place.gems.runJob('retention failed_jobs')).toBe('failed_jobs: done, 2 rows changed, 0 left')
    expect(await left(ann)).toEqual(stay.toSorted())
  })

  test('of a person who is held stay', async () => {
    const [ann, ben] = [await person(place), await person(place)]
    for (const of of [ann, ben]) {
      await search(of, 31, 'timeout')
      await search(of, 1, 'completed')
    }
    const executor = place.gems.serviceExecutor()
    const hold = await placeHold(executor, { tenant: ann.userId, reason: 'matter 1', by: 'counsel' })
    await usegemz.retention.run(place.database, { rules: ['failed_jobs'] })
    expect([(await left(ann)).length, (await left(ben)).length]).toEqual([2, 1])
    await releaseHold(executor, { id: hold.id, by: 'counsel', reason: 'settled' })
  })
})

describe('what is older than a year', () => {
  test('is archived, what was found before its searches, and comes back as it was', async () => {
    const ann = await person(place)
    const found = await search(ann, 366, 'completed', 1)
    await search(ann, 366, 'completed')
    const young = [
      await search(ann, 364, 'completed', 1),
      await search(ann, 10, 'completed', 1),
      await search(ann, 1, 'completed'),
    ]
    await legacy(ann, 366)
    await legacy(ann, 364)
    const everything = () =>
      Promise.all(
        ['scraping_jobs', 'scraping_results', 'search_jobs', 'search_results'].map((table) =>
          place.rows(`select to_jsonb(r) as row from ${table} as r order by id`),
        ),
      )
    const before = await everything()
    const { retention } = archiving()
    const plans = await retention.plan(place.database)
    expect(plans.map(({ rule, phases }) => [rule, phases[0]?.rows])).toEqual([
      ['failed_jobs', 0],
      ['scraping_results', 1],
      // One is referred to, until what it found has gone.
      ['scraping_jobs', 1],
      ['search_results', 1],
      ['search_jobs', 0],
    ])
    expect(plans.flatMap(({ blockers }) => blockers)).toEqual([])
    expect(new Set(plans.flatMap(({ warnings }) => warnings.map(({ code }) => code)))).toEqual(
      new Set(['reference']),
    )
    const reports = await retention.run(place.database)
    expect(reports.map(({ ended, archived }) => [ended, archived.rows])).toEqual([
      ['done', 0],
      ['done', 1],
      ['done', 2],
      ['done', 1],
      ['done', 1],
    ])
    expect(await left(ann)).toEqual(young.toSorted())
    expect(await ann.scope.results.count()).toBe(2)
    expect([await ann.scope.searchJobs.count(), await ann.scope.searchResults.count()]).toEqual([1, 1])
    await expect(ann.scope.jobs.get(found)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })

    for (const rule of ['scraping_jobs', 'scraping_results', 'search_jobs', 'search_results']) {
      await place.rows('alter table scraping_jobs disable trigger user')
      await retention.restore(place.database, { rule })
      await place.rows('alter table scraping_jobs enable trigger user')
    }
    expect(await everything()).toEqual(before)
  })

  test('stays where no place was chosen for it, and then no job is there to say so each night', async () => {
    const ann = await person(place)
    for (const days of [366, 1, 1]) await search(ann, days, 'completed')
    await expect(usegemz.retention.run(place.database, { rules: ['scraping_jobs'] })).rejects.toMatchObject({
      code: 'TENANTRY_RETENTION_REFUSED',
    })
    expect(await left(ann)).toHaveLength(3)
    const jobs = ({ definition }: typeof usegemz) =>
      definition.jobs.map(({ name }) => name).filter((name) => name.startsWith('retention '))
    expect(jobs(usegemz)).toEqual(['retention failed_jobs'])
    const system = archiving()
    expect(jobs(system)).toEqual(RULES.map((rule) => `retention ${rule}`))
    expect(system.definition.objects).toEqual(usegemz.definition.objects)
    expect(await system(place.database).runJob('retention scraping_jobs')).toBe(
      'scraping_jobs: done, 1 rows changed, 0 left',
    )
    expect(await left(ann)).toHaveLength(2)
  })
})
