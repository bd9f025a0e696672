import { randomBytes } from 'node:crypto'
import { connect, type Database } from '@tenantry/core'
import { describeOnServer, describeThroughPooler } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { infin8content } from '../src/index.ts'
import { type Content, type ContentDatabase, contentDatabase } from './support/content.ts'

let place: ContentDatabase
beforeAll(async () => {
  place = await contentDatabase()
})
afterAll(() => place?.close())

/** From two organizations to a published article, one of them seeing nothing of the other's. */
async function wholeJob(content: Content): Promise<void> {
  const key = randomBytes(6).toString('hex')
  const [owner, rival] = await content.system(async ({ users }) => [
    await users.signUp({ email: `ann-${key}@example.com`, fullName: 'Ann' }),
    await users.signUp({ email: `ben-${key}@example.com`, fullName: 'Ben' }),
  ])
  if (owner === undefined || rival === undefined) throw new Error('nobody')
  const service = content.asService()
  const acme = (await service.organizations.found({ name: 'Acme', ownerId: owner.id })).organization
  const bolt = (await service.organizations.found({ name: 'Bolt', ownerId: rival.id })).organization
  const me = content.as({ userId: owner.id, organizationId: acme.id })
  const other = content.as({ userId: rival.id, organizationId: bolt.id })
  const jobs = service.tenant(acme.id)

  const { token } = await me.invitations.invite({ email: `eve-${key}@example.com` })
  const eve = await service.users.signUp({ email: `eve-${key}@example.com`, fullName: 'Eve' })
  await service.invitations.accept({ token, userId: eve.id })
  const editor = content.as({ userId: eve.id, organizationId: acme.id })
  expect((await editor.members.people()).map(({ fullName, role }) => [fullName, role])).toEqual([
    ['Ann', 'owner'],
    ['Eve', 'member'],
  ])
  expect(await editor.organizations.mine()).toMatchObject([{ name: 'Acme', role: 'member', current: true }])

  const competitor = await me.competitors.add({ url: 'https://Rival.example', name: 'Rival' })
  const workflow = await me.workflows.start({ title: 'Running shoes' })
  const step = (...states: Parameters<typeof me.workflows.transition>[1]['to'][]) =>
    states.reduce<Promise<unknown>>(
      (before, to) => before.then(() => me.workflows.transition(workflow.id, { to, idempotencyKey: to })),
      Promise.resolve(),
    )
  await step('ICP_PENDING', 'ICP_PROCESSING', 'ICP_COMPLETED')
  await step('COMPETITOR_PENDING', 'COMPETITOR_PROCESSING')
  const [shoes] = await me.keywords.addSeeds({
    workflowId: workflow.id,
    keywords: [
      { keyword: 'Running shoes', competitorUrlId: competitor.id, searchVolume: 9000, aiSuggested: true },
    ],
  })
  const longtails = await me.keywords.addLongtails({
    parentId: shoes?.id ?? '',
    keywords: [{ keyword: 'running shoes for flat feet' }, { keyword: 'trail running shoes' }],
  })
  await step('COMPETITOR_COMPLETED', 'SEED_REVIEW_PENDING')
  await expect(step('SEED_REVIEW_COMPLETED')).rejects.toMatchObject({ code: 'TENANTRY_CHECK' })
  await me.keywords.decide({ ids: [shoes?.id ?? ''], filterStatus: 'approved' })
  await editor.approvals.decide({
    workflowId: workflow.id,
    entityType: 'seed_keywords',
    decision: 'approved',
  })
  await step('SEED_REVIEW_COMPLETED', 'CLUSTERING_PENDING', 'CLUSTERING_PROCESSING')
  await me.clusters.assign({
    workflowId: workflow.id,
    hubKeywordId: shoes?.id ?? '',
    spokes: longtails.map(({ id }, at) => ({ keywordId: id, similarityScore: 0.9 - at / 10 })),
  })
  await step('CLUSTERING_COMPLETED', 'VALIDATION_PENDING', 'VALIDATION_PROCESSING')
  expect(await me.clusters.validate({ workflowId: workflow.id })).toMatchObject([
    { validationStatus: 'valid' },
  ])
  await step('VALIDATION_COMPLETED')
  for (const entityType of ['clusters', 'subtopics'] as const) {
    await me.approvals.decide({ workflowId: workflow.id, entityType, decision: 'approved' })
  }
  await step('ARTICLE_PENDING', 'ARTICLE_PROCESSING')

  const article = await editor.articles.create({
    title: 'Shoes for flat feet',
    workflowId: workflow.id,
    keywordId: longtails[0]?.id ?? null,
  })
  await editor.articles.outline({ articleId: article.id, sections: [{ title: 'Why' }, { title: 'Which' }] })
  await editor.articles.startGenerating(article.id)
  const { claims } = await jobs.sections.claim({ limit: 10 })
  expect(claims).toHaveLength(2)
  for (const claim of claims) {
    const facts = await jobs.research.cached('Flat feet', async () => ({ results: ['a fact'] }))
    expect(facts).toEqual(['a fact'])
    await jobs.sections.researched(claim, { researchSources: [{ url: 'https://source.example' }] })
    await jobs.sections.written(claim, { content: `${claim.row.title}: text.` })
  }
  expect((await editor.articles.finishGenerating(article.id)).content).toBe('Why: text.\n\nWhich: text.')
  await step('ARTICLE_COMPLETED', 'PUBLISH_PENDING', 'PUBLISH_PROCESSING')
  await editor.publishReferences.request({ articleId: article.id })
  const [publishing] = (await jobs.publishReferences.claim()).claims
  if (publishing === undefined) throw new Error('nothing to publish')
  await jobs.publishReferences.published(publishing, {
    platformPostId: '7',
    platformUrl: 'https://blog.example/7',
  })
  await step('PUBLISH_COMPLETED', 'COMPLETED')

  expect(await me.articles.get(article.id)).toMatchObject({
    status: 'published',
    wordpressPostId: 7,
    createdBy: eve.id,
  })
  expect(await me.workflows.withKeywordCounts()).toMatchObject([
    { state: 'COMPLETED', keywordCount: 3, currentStep: 7 },
  ])
  expect(await me.workflows.history(workflow.id)).toHaveLength(21)
  for (const repository of [
    'workflows',
    'transitions',
    'keywords',
    'articles',
    'sections',
    'research',
  ] as const) {
    expect(await other[repository].count()).toBe(0)
  }
  await expect(other.articles.get(article.id)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
  await me.members.expel(eve.id)
  expect(await editor.articles.count()).toBe(0)
}

test('migrating again changes nothing, and the whole job runs on the server of the tests', async () => {
  expect((await place.content.migrate()).applied).toEqual([])
  await wholeJob(place.content)
})

describeOnServer('with a login of its own, which row security holds', () => {
  test('the whole job runs', async () => {
    const login = `infin8content_app_${randomBytes(5).toString('hex')}`
    await place.rows(`create role ${login} login password 'app'`)
    try {
      await place.rows(`grant tenantry_tenant to ${login} with inherit true, set true`)
      await place.rows(`grant tenantry_service to ${login} with inherit false, set true`)
      const database: Database = await connect(
        Object.assign(new URL(place.url), { username: login, password: 'app' }).href,
      )
      await wholeJob(infin8content(database)).finally(() => database.close())
    } finally {
      await place.rows(`drop role ${login}`)
    }
  })
})

describeThroughPooler('through a pooler in transaction mode', () => {
  test('the whole job runs', async () => {
    const database = await connect({ url: place.poolerUrl ?? '', situation: 'pooler' })
    await wholeJob(infin8content(database)).finally(() => database.close())
  })
})
