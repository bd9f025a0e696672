/** Articles, the work on their sections, and their way out. */
import { bindTenant } from '@tenantry/rls'
import { JobFailure, runWorker } from '@tenantry/workflow'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { publishClaims } from '../src/index.ts'
import {
  articleOf,
  type ContentDatabase,
  contentDatabase,
  deferred,
  keywordsOf,
  NOBODY,
  team,
} from './support/content.ts'

let place: ContentDatabase
beforeAll(async () => {
  place = await contentDatabase()
})
afterAll(() => place?.close())

describe('an article', () => {
  test('is outlined, researched, written and put together, its sections in their order', async () => {
    const acme = await team(place.content)
    const { workflow, running } = await keywordsOf(acme)
    const article = await acme.scope.articles.create({
      title: 'How to choose',
      workflowId: workflow.id,
      keywordId: running.id,
    })
    expect(article).toMatchObject({
      status: 'draft',
      publishStatus: 'not_published',
      createdBy: acme.user.id,
    })
    const titles = ['Intro', 'Fit', 'Price']
    await acme.scope.articles.outline({ articleId: article.id, sections: titles.map((title) => ({ title })) })
    await acme.scope.articles.startGenerating(article.id)
    await expect(acme.scope.articles.finishGenerating(article.id)).rejects.toThrow(
      "3 sections of the article aren't completed",
    )

    const { claims } = await acme.service.sections.claim({ limit: 10 })
    expect(claims.map(({ row }) => row.status)).toEqual(['researching', 'researching', 'researching'])
    // Written in another order than they are read.
    for (const claim of claims.toReversed()) {
      await acme.service.sections.researched(claim, { researchSources: [{ url: 'https://source.example' }] })
      await acme.service.sections.renew(claim)
      await acme.service.sections.written(claim, {
        content: `About ${claim.row.title}.`,
        tokensUsed: 12,
        modelUsed: 'm',
      })
    }
    expect(await acme.scope.articles.finishGenerating(article.id)).toMatchObject({
      status: 'completed',
      content: 'About Intro.\n\nAbout Fit.\n\nAbout Price.',
      wordCount: 6,
      readingTime: 1,
    })
    const { sections } = await acme.scope.articles.withSections(article.id)
    expect(sections.map(({ sectionOrder, title, status }) => [sectionOrder, title, status])).toEqual(
      titles.map((title, at) => [at + 1, title, 'completed']),
    )
    expect(sections[0]).toMatchObject({
      researchSources: [{ url: 'https://source.example' }],
      tokensUsed: 12,
      attempts: 1,
    })
  })

  test('is refused twice the same place, an order below 1, and a place in another’s article', async () => {
    const acme = await team(place.content)
    const bolt = await team(place.content)
    const { id } = await acme.scope.articles.create({ title: 'Ordered' })
    await acme.scope.sections.create({ articleId: id, sectionOrder: 1 })
    await expect(acme.scope.sections.create({ articleId: id, sectionOrder: 1 })).rejects.toMatchObject({
      code: 'TENANTRY_UNIQUE',
    })
    await expect(acme.scope.sections.create({ articleId: id, sectionOrder: 0 })).rejects.toMatchObject({
      issues: [{ path: 'sectionOrder' }],
    })
    await expect(bolt.scope.sections.create({ articleId: id, sectionOrder: 2 })).rejects.toMatchObject({
      code: 'TENANTRY_FOREIGN_KEY',
    })
    await expect(
      bolt.scope.articles.outline({ articleId: id, sections: [{ title: 'x' }] }),
    ).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    await expect(bolt.scope.articles.withSections(id)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    expect(await acme.scope.sections.count()).toBe(1)
  })

  test('loses the claims of those who still write the sections that it had', async () => {
    const acme = await team(place.content)
    const article = await articleOf(acme, acme.service)
    const { claims } = await acme.service.sections.claim({ limit: 1 })
    await acme.scope.articles.outline({ articleId: article.id, sections: [{ title: 'New' }] })
    await expect(
      acme.service.sections.written(claims[0] ?? never(), { content: 'late' }),
    ).rejects.toMatchObject({
      code: 'TENANTRY_STALE_TRANSITION',
    })
    expect(await acme.scope.sections.count({ where: { content: { ne: null } } })).toBe(0)
  })

  test('fails and begins anew', async () => {
    const acme = await team(place.content)
    const article = await articleOf(acme, acme.service)
    expect(await acme.scope.articles.failGenerating(article.id)).toMatchObject({ status: 'failed' })
    expect(await acme.scope.articles.startGenerating(article.id)).toMatchObject({ status: 'generating' })
    await expect(acme.scope.articles.startGenerating(article.id)).rejects.toMatchObject({
      code: 'TENANTRY_STALE_TRANSITION',
    })
    await expect(acme.scope.articles.failGenerating(NOBODY)).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
  })
})

describe('a section', () => {
  test('is given to one worker, tried three times, then given up, and can be redone', async () => {
    const acme = await team(place.content)
    const { id: articleId } = await acme.scope.articles.create({ title: 'One' })
    await acme.scope.articles.outline({ articleId, sections: [{ title: 'Only' }] })
    await acme.scope.articles.startGenerating(articleId)
    const outcomes: string[] = []
    for (let attempt = 1; attempt <= 3; attempt += 1) {
      const { claims } = await acme.service.sections.claim()
      expect(claims).toMatchObject([{ attempt }])
      expect((await acme.service.sections.claim()).claims).toEqual([])
      outcomes.push(await acme.service.sections.failed(claims[0] ?? never(), 'the model said no'))
      await place.rows(`update article_sections set available_at = now() where organization_id = $1`, [
        acme.organization.id,
      ])
    }
    expect(outcomes).toEqual(['retried', 'retried', 'failed'])
    const section = await acme.scope.sections.find()
    expect(section).toMatchObject({ status: 'failed', lastError: 'the model said no' })
    expect(await acme.scope.sections.redo(section?.id ?? '')).toMatchObject({
      status: 'pending',
      attempts: 0,
    })
    expect(await acme.service.sections.backlog()).toMatchObject({ ready: 1, working: 0 })
  })

  test('can be claimed while its article is being generated, and at no other time', async () => {
    const acme = await team(place.content)
    const { articles, sections } = acme.scope
    const claimed = async () =>
      (await acme.service.sections.claim({ limit: 10 })).claims.map(({ row }) => row.sectionOrder)
    const { id } = await articles.create({ title: 'Three' })
    await articles.outline({ articleId: id, sections: [{}, {}] })
    expect(await claimed()).toEqual([])
    await articles.startGenerating(id)
    await sections.create({ articleId: id, sectionOrder: 3 })
    const { claims } = await acme.service.sections.claim({ limit: 10 })
    expect(claims).toHaveLength(3)
    const [first = never()] = claims
    await sections.create({ articleId: id, sectionOrder: 4 })
    // What was given up isn't written on, and what was put back by whoever had it waits as well.
    await articles.failGenerating(id)
    await acme.service.sections.failed(first, 'the model said no')
    expect(await claimed()).toEqual([])
    await articles.startGenerating(id)
    expect((await claimed()).toSorted()).toEqual([first.row.sectionOrder, 4].toSorted())
  })

  test('that is added while the article is set going is offered by one of the two', async ({ skip }) => {
    skip(!place.database.driver.traits.concurrent, 'needs several connections: give TEST_DATABASE_URL')
    const acme = await team(place.content)
    const { id } = await acme.scope.articles.create({ title: 'Raced' })
    const [inserted, release] = [deferred<void>(), deferred<void>()]
    const adding = acme.scope.transaction(async (inner) => {
      await inner.sections.create({ articleId: id, sectionOrder: 1 })
      inserted.resolve()
      await release.promise
    })
    await inserted.promise
    const starting = acme.scope.articles.startGenerating(id)
    await Promise.race([waitsForLock(), starting])
    release.resolve()
    await Promise.all([adding, starting])
    expect((await acme.service.sections.claim()).claims).toHaveLength(1)
  })

  /** Until somebody in this database waits for a lock. */
  async function waitsForLock(): Promise<void> {
    for (;;) {
      const waiting = await place.rows(
        `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
      )
      if (waiting.length > 0) return
    }
  }

  test('is claimed by the service role alone, and no member writes its lease or moves it by hand', async () => {
    const acme = await team(place.content)
    const article = await articleOf(acme, acme.service)
    const refused = { code: 'TENANTRY_ISOLATION' }
    await expect(acme.scope.sections.claim()).rejects.toMatchObject(refused)
    await expect(
      place.rowsAs(acme.principal, 'update article_sections set available_at = now() where article_id = $1', [
        article.id,
      ]),
    ).rejects.toMatchObject(refused)
    await expect(
      place.rowsAs(
        acme.principal,
        `update article_sections set status = 'researching' where article_id = $1`,
        [article.id],
      ),
    ).rejects.toMatchObject({
      code: expect.stringMatching(/TENANTRY_(STALE_TRANSITION|ISOLATION)/) as unknown,
    })
  })

  test('of forty sections and eight workers each is written once', async ({ skip }) => {
    skip(!place.database.driver.traits.concurrent, 'needs several connections: give TEST_DATABASE_URL')
    const acme = await team(place.content)
    const article = await acme.scope.articles.create({ title: 'Long' })
    await acme.scope.articles.outline({
      articleId: article.id,
      sections: Array.from({ length: 40 }, (_, n) => ({ title: `${n}` })),
    })
    await acme.scope.articles.startGenerating(article.id)
    const written: string[] = []
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (;;) {
          const { claims } = await acme.service.sections.claim({ limit: 3 })
          if (claims.length === 0) return
          for (const claim of claims) {
            await acme.service.sections.written(claim, { content: 'x' })
            written.push(claim.id)
          }
        }
      }),
    )
    expect(written).toHaveLength(40)
    expect(new Set(written).size).toBe(40)
  })
})

describe('publishing', () => {
  test('is one reference for an article and platform, however often it is asked for', async () => {
    const acme = await team(place.content)
    const article = await articleOf(acme, acme.service, true)
    const { publishReferences, articles } = acme.scope
    const request = { articleId: article.id }
    const references = await Promise.all([
      publishReferences.request(request),
      publishReferences.request(request),
    ])
    expect(new Set(references.map(({ id }) => id)).size).toBe(1)
    expect(await articles.get(article.id)).toMatchObject({ status: 'completed', publishStatus: 'publishing' })

    const { claims } = await acme.service.publishReferences.claim({ limit: 5 })
    expect(claims).toHaveLength(1)
    const claim = claims[0] ?? never()
    const out = { platformPostId: '4711', platformUrl: 'https://blog.example/4711' }
    await acme.service.publishReferences.renew(claim)
    await acme.service.publishReferences.published(claim, out)
    await acme.service.publishReferences.published(claim, { ...out, platformUrl: 'https://blog.example/2' })
    expect(await articles.get(article.id)).toMatchObject({
      status: 'published',
      publishStatus: 'published',
      wordpressPostId: 4711,
      wordpressUrl: out.platformUrl,
      publishedAt: expect.any(Date) as unknown,
    })
    expect(await publishReferences.request(request)).toMatchObject({
      publishStatus: 'published',
      platformPostId: '4711',
    })
    expect((await acme.service.publishReferences.claim()).claims).toEqual([])
    await expect(
      acme.scope.articles.outline({ articleId: article.id, sections: [{}] }),
    ).rejects.toMatchObject({
      code: 'TENANTRY_STALE_TRANSITION',
    })
  })

  test('is given up after its attempts, says why, and can be tried again', async () => {
    const acme = await team(place.content)
    const article = await articleOf(acme, acme.service, true)
    const { id } = await acme.scope.publishReferences.request({ articleId: article.id })
    const [first] = (await acme.service.publishReferences.claim()).claims
    expect(await acme.service.publishReferences.failed(first ?? never(), 'timeout')).toBe('retried')
    expect(await acme.scope.articles.get(article.id)).toMatchObject({ publishStatus: 'publishing' })
    await place.rows('update publish_references set available_at = now() where id = $1', [id])
    const [second] = (await acme.service.publishReferences.claim()).claims
    expect(
      await acme.service.publishReferences.failed(second ?? never(), 'wrong password', { final: true }),
    ).toBe('failed')
    expect(await acme.scope.publishReferences.get(id)).toMatchObject({
      publishStatus: 'failed',
      errorMessage: 'wrong password',
      retryCount: 2,
    })
    expect(await acme.scope.articles.get(article.id)).toMatchObject({ publishStatus: 'failed' })
    await acme.scope.publishReferences.retry(id)
    expect(await acme.scope.articles.get(article.id)).toMatchObject({ publishStatus: 'publishing' })
    await expect(acme.scope.publishReferences.retry(id)).rejects.toMatchObject({
      code: 'TENANTRY_STALE_TRANSITION',
    })
    expect(await acme.service.publishReferences.backlog()).toMatchObject({ ready: 1 })
  })

  test('gives an article up whose publisher died at the last attempt', async () => {
    const acme = await team(place.content)
    const article = await articleOf(acme, acme.service, true)
    const { id } = await acme.scope.publishReferences.request({ articleId: article.id })
    for (let attempt = 1; attempt <= 5; attempt += 1) {
      expect((await acme.service.publishReferences.claim()).claims).toHaveLength(1)
      // Its lease ran out longer ago than any backoff, by the owner's own hand: nobody else can shorten one.
      await place.database.driver.transaction({}, (connection) =>
        connection.script(
          `set local session_replication_role = replica;
           update publish_references set available_at = now() - interval '1 hour' where id = '${id}'`,
        ),
      )
    }
    expect(await acme.service.publishReferences.claim()).toMatchObject({ claims: [], abandoned: [{ id }] })
    expect(await acme.scope.articles.get(article.id)).toMatchObject({ publishStatus: 'failed' })
  })

  test('by a worker of the kit’s has the article follow as well', async () => {
    const acme = await team(place.content)
    const [good, bad] = [await articleOf(acme, acme.service, true), await articleOf(acme, acme.service, true)]
    for (const { id: articleId } of [good, bad]) await acme.scope.publishReferences.request({ articleId })
    const controller = new AbortController()
    let left = 2
    await runWorker({
      claims: publishClaims,
      system: {
        database: place.database,
        serviceExecutor: () => bindTenant(place.content.serviceExecutor(), acme.organization.id),
        asService: () => ({ tenant: (id: string) => id }),
      },
      signal: controller.signal,
      handler({ row }) {
        if (row.articleId === bad.id) throw new JobFailure('wrong password', { final: true })
        return Promise.resolve({ set: { platformPostId: '12', platformUrl: 'https://blog.example/12' } })
      },
      onEvent({ type }) {
        if ((type === 'finished' || type === 'failed') && --left === 0) controller.abort()
      },
    })
    expect(await acme.scope.articles.get(good.id)).toMatchObject({
      status: 'published',
      publishStatus: 'published',
      wordpressPostId: 12,
      wordpressUrl: 'https://blog.example/12',
    })
    expect(await acme.scope.articles.get(bad.id)).toMatchObject({
      status: 'completed',
      publishStatus: 'failed',
    })
  })

  test('waits for the article, and is refused to other organizations and platforms', async () => {
    const acme = await team(place.content)
    const bolt = await team(place.content)
    const draft = await acme.scope.articles.create({ title: 'Draft' })
    await expect(acme.scope.publishReferences.request({ articleId: draft.id })).rejects.toMatchObject({
      code: 'TENANTRY_STALE_TRANSITION',
    })
    const { id } = await articleOf(acme, acme.service, true)
    await expect(bolt.scope.publishReferences.request({ articleId: id })).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
    const wrong: 'wordpress' = 'medium' as never
    await expect(
      acme.scope.publishReferences.request({ articleId: id, platform: wrong }),
    ).rejects.toMatchObject({ issues: [{ path: 'platform' }] })
    expect(await acme.scope.publishReferences.count()).toBe(0)
  })
})

function never(): never {
  throw new Error('nothing was claimed')
}
