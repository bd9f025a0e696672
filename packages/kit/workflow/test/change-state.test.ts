import { NotFoundError, StaleTransitionError } from '@tenantry/core'
import { defineRepository } from '@tenantry/repository'
import { tenantExecutor } from '@tenantry/rls'
import { describeOnServer } from '@tenantry/testing/vitest'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { articleTransitions, articles, objects, schema, tenancy } from './support/articles.ts'
import { assign, changeState } from '../src/index.ts'
import { createSystem, type Setup } from './support/setup.ts'

const ACME = '00000000-0000-4000-9000-00000000000c'
const BOLT = '00000000-0000-4000-9000-00000000000d'
const MAY = '00000000-0000-4000-8000-00000000000a'

let test: Setup
beforeAll(async () => {
  test = await createSystem('articles', { schema, objects })
  await test.raw('insert into members (organization_id, user_id) values ($1, $3), ($2, $3)', ACME, BOLT, MAY)
})
afterAll(() => test.close())

const repository = defineRepository(articles, { tenant: 'organizationId' })
const may = (organizationId = ACME) =>
  repository.bind(tenantExecutor(test.database, tenancy, { userId: MAY, organizationId }))

const submit = (id: string, organization = ACME) =>
  changeState(articles, may(organization), {
    verb: 'submit',
    tenant: articles.organizationId,
    row: { id },
    column: articles.state,
    from: articleTransitions.from('review'),
    to: 'review',
    set: (value) => [assign(articles.title, value('title', articles.title))],
    values: { title: 'submitted' },
  })

describe('changing a state', () => {
  it('sets it with what goes along, and answers the row', async () => {
    const { id } = await may().create({})
    expect(await submit(id)).toMatchObject({ id, state: 'review', version: 2, title: 'submitted' })
  })

  it('writes nothing and says what was needed, when the row is in another state', async () => {
    const { id } = await may().create({})
    await submit(id)
    const again = await submit(id).catch((error: unknown) => error)
    expect(again).toBeInstanceOf(StaleTransitionError)
    expect(again).toMatchObject({ table: 'articles', hint: expect.stringContaining('draft') })
    expect(await may().get(id)).toMatchObject({ state: 'review', version: 2 })
  })

  it('knows no row of another tenant, nor one that isn’t there', async () => {
    const { id } = await may(BOLT).create({})
    await expect(submit(id)).rejects.toThrow(NotFoundError)
    await expect(submit(crypto.randomUUID())).rejects.toThrow(NotFoundError)
    expect(await may(BOLT).get(id)).toMatchObject({ state: 'draft' })
  })

  it('can leave the state and change something else, under a condition of its own', async () => {
    const { id } = await may().create({ title: 'first' })
    const rename = (title: string) =>
      changeState(articles, may(), {
        verb: 'rename',
        tenant: articles.organizationId,
        row: { id },
        column: articles.state,
        from: ['draft'],
        set: (value) => [assign(articles.title, value('title', articles.title))],
        where: () => sql`${articles.title} = 'first'`,
        values: { title },
      })
    expect(await rename('second')).toMatchObject({ state: 'draft', version: 1, title: 'second' })
    await expect(rename('third')).rejects.toThrow(StaleTransitionError)
  })
})

describeOnServer('two callers who want the same step at once', () => {
  it('one makes it, the other is told so', async () => {
    const { id } = await may().create({})
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => submit(id)))
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toBeInstanceOf(StaleTransitionError)
    }
  })
})
