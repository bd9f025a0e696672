import {
  CheckViolationError,
  IdempotencyError,
  IsolationError,
  NotFoundError,
  StaleTransitionError,
  ValidationError,
} from '@tenantry/core'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { bindTenant, tenantExecutor } from '@tenantry/rls'
import { describeOnServer } from '@tenantry/testing/vitest'
import { articleTransitions, EDGES, objects, schema, tenancy } from './support/articles.ts'
import { createSystem, type Setup } from './support/setup.ts'

const ACME = '00000000-0000-4000-9000-00000000000c'
const BOLT = '00000000-0000-4000-9000-00000000000d'
const MAY = '00000000-0000-4000-8000-00000000000a'
const STATES = Object.keys(EDGES) as (keyof typeof EDGES)[]

let test: Setup
beforeAll(async () => {
  test = await createSystem('articles', { schema, objects })
  await test.raw('insert into members (organization_id, user_id) values ($1, $2)', ACME, MAY)
})
afterAll(() => test.close())

const may = () => tenantExecutor(test.database, tenancy, { userId: MAY, organizationId: ACME })
const { move } = articleTransitions

async function article(organization = ACME): Promise<string> {
  const rows = await test.raw('insert into articles (organization_id) values ($1) returning id', organization)
  return String(rows[0]?.[0])
}

/** By the table's own rules: the shortest way there. */
async function articleIn(state: (typeof STATES)[number]): Promise<string> {
  const made = await article()
  const way = {
    draft: [],
    review: ['review'],
    published: ['review', 'published'],
    cancelled: ['cancelled'],
  } as const
  for (const step of way[state]) {
    if (step === 'published') await approve(made)
    await move(may(), made, step)
  }
  return made
}

const approve = (id: string) =>
  test.raw('insert into approvals (organization_id, article_id, given) values ($1, $2, true)', ACME, id)

const recorded = (id: string) =>
  test.raw(
    'select from_state, to_state, version, idempotency_key, reason, metadata, actor from article_steps where article_id = $1 order by version',
    id,
  )

const current = async (id: string) =>
  (await test.raw('select state, version from articles where id = $1', id))[0] ?? []

describe('a move', () => {
  it('sets the state, raises the version and writes its record, all by one statement of the tenant', async () => {
    const id = await article()
    const moved = await move(may(), id, 'review', { reason: 'ready', metadata: { words: 800 } })
    expect(moved).toEqual({ from: 'draft', to: 'review', version: 2, replayed: false })
    expect(await current(id)).toEqual(['review', 2])
    expect(await recorded(id)).toEqual([['draft', 'review', 2, null, 'ready', { words: 800 }, MAY]])
  })

  it('works in a transaction, and is undone with it', async () => {
    const id = await article()
    await may().transaction(async (inner) => {
      await move(inner, id, 'review', { reason: 'first' })
      // What the first move said is not said of a step by other SQL.
      for (const state of ['draft', 'review']) {
        await inner.run({
          text: `update articles set state = '${state}' where id = $1`,
          params: [id],
          gated: false,
        })
      }
      await move(inner, id, 'draft')
    })
    expect((await recorded(id)).map(([from, to, , , reason]) => [from, to, reason])).toEqual([
      ['draft', 'review', 'first'],
      ['review', 'draft', null],
      ['draft', 'review', null],
      ['review', 'draft', null],
    ])
    await expect(
      may().transaction(async (inner) => {
        await move(inner, id, 'review')
        throw new Error('changed my mind')
      }),
    ).rejects.toThrow('changed my mind')
    expect((await current(id))[0]).toBe('draft')
    expect(await recorded(id)).toHaveLength(4)
  })

  it('is refused when the version is another than the expected one', async () => {
    const id = await article()
    await move(may(), id, 'review', { expectedVersion: 1 })
    await expect(move(may(), id, 'draft', { expectedVersion: 1 })).rejects.toThrow(StaleTransitionError)
    expect(await current(id)).toEqual(['review', 2])
  })

  it("finds neither a missing row nor another tenant's, with the same error", async () => {
    const foreign = await article(BOLT)
    for (const id of [foreign, '00000000-0000-4000-8000-0000000000ff']) {
      await expect(move(may(), id, 'review')).rejects.toThrow(NotFoundError)
      await expect(move(bindTenant(test.service, ACME), id, 'review')).rejects.toThrow(NotFoundError)
    }
    await expect(move(may(), 'no id', 'review')).rejects.toThrow(ValidationError)
    expect(await current(foreign)).toEqual(['draft', 1])
  })

  it('is made by the service role for the tenant that it is bound to', async () => {
    const id = await article()
    await move(bindTenant(test.service, ACME), id, 'review')
    expect(await recorded(id)).toEqual([['draft', 'review', 2, null, null, {}, null]])
  })

  it('waits at a gate until its condition holds', async () => {
    const id = await articleIn('review')
    await expect(move(may(), id, 'published')).rejects.toThrow(CheckViolationError)
    await expect(move(may(), id, 'published')).rejects.toMatchObject({ constraint: 'article_approved' })
    expect(await recorded(id)).toHaveLength(1)
    await approve(id)
    expect(await move(may(), id, 'published')).toMatchObject({ from: 'review', version: 3 })
  })
})

describe('an idempotency key', () => {
  it('answers the first outcome again, whatever has become of the row', async () => {
    const id = await article()
    const first = await move(may(), id, 'review', { idempotencyKey: 'k1' })
    await move(may(), id, 'draft')
    expect(await move(may(), id, 'review', { idempotencyKey: 'k1' })).toEqual({ ...first, replayed: true })
    expect((await current(id))[0]).toBe('draft')
  })

  it('is refused for a step to another state', async () => {
    const id = await article()
    await move(may(), id, 'review', { idempotencyKey: 'k1' })
    await expect(move(may(), id, 'draft', { idempotencyKey: 'k1' })).rejects.toThrow(IdempotencyError)
    expect((await current(id))[0]).toBe('review')
  })

  it('is free again after a failed call, and for another row', async () => {
    const [one, two] = [await article(), await article()]
    await expect(move(may(), one, 'published', { idempotencyKey: 'k1' })).rejects.toThrow(
      StaleTransitionError,
    )
    expect(await move(may(), one, 'review', { idempotencyKey: 'k1' })).toMatchObject({ replayed: false })
    expect(await move(may(), two, 'review', { idempotencyKey: 'k1' })).toMatchObject({ replayed: false })
  })
})

describe('raw SQL', () => {
  const illegal = STATES.flatMap((from) =>
    STATES.filter((to) => from !== to && !(EDGES[from] as readonly string[]).includes(to)).map(
      (to) => [from, to] as const,
    ),
  )

  it.each(illegal)("can't make the step from %s to %s, nor can move", async (from, to) => {
    const id = await articleIn(from)
    const before = await current(id)
    await expect(test.raw('update articles set state = $2 where id = $1', id, to)).rejects.toThrow(
      StaleTransitionError,
    )
    await expect(move(may(), id, to)).rejects.toThrow(StaleTransitionError)
    expect(await current(id)).toEqual(before)
  })

  it.each(STATES.filter((state) => state !== 'draft'))(
    "can't insert a row that begins as %s",
    async (state) => {
      await expect(
        test.raw('insert into articles (organization_id, state) values ($1, $2)', ACME, state),
      ).rejects.toThrow(StaleTransitionError)
    },
  )

  it("can't pass a gate, and its legal steps are counted and recorded too", async () => {
    const id = await article()
    await test.raw(`update articles set state = 'review' where id = $1`, id)
    await expect(test.raw(`update articles set state = 'published' where id = $1`, id)).rejects.toThrow(
      CheckViolationError,
    )
    await test.raw(`update articles set version = 99, title = 'new' where id = $1`, id)
    expect(await current(id)).toEqual(['review', 2])
    expect(await recorded(id)).toEqual([['draft', 'review', 2, null, null, {}, null]])
  })

  it("can't write, change or remove a record, whoever asks", async () => {
    const id = await articleIn('review')
    const forged = `insert into article_steps (organization_id, article_id, from_state, to_state, version) values ('${ACME}', '${id}', 'draft', 'published', 9)`
    const refused = [
      forged,
      `update article_steps set reason = 'x'`,
      'delete from article_steps',
      'truncate article_steps',
    ]
    for (const text of refused) {
      await expect(test.raw(text)).rejects.toThrow(IsolationError)
      await expect(may().run({ text, params: [], gated: false })).rejects.toThrow(IsolationError)
      await expect(test.service.run({ text, params: [], gated: false })).rejects.toThrow(IsolationError)
    }
    expect(await recorded(id)).toHaveLength(1)
  })

  it('has its records back from an archive, by the service role alone', async () => {
    const id = await articleIn('review')
    const back = `insert into article_steps (organization_id, article_id, from_state, to_state, version) values ('${ACME}', '${id}', 'draft', 'review', 2)`
    const restore = (role: string) =>
      test.database.driver.transaction({}, async (connection) => {
        await connection.script(`set local role ${role}; set local tenantry.restoring = 'on'`)
        await connection.query({ text: back, params: [] })
      })
    await restore('tenantry_service')
    expect(await recorded(id)).toHaveLength(2)
    await expect(restore('tenantry_tenant')).rejects.toThrow(IsolationError)
  })
})

describeOnServer('at the same time', () => {
  it('of two racers for one edge one wins, and the other gets a typed conflict', async () => {
    for (let round = 0; round < 10; round++) {
      const id = await article()
      const racers = await Promise.allSettled(
        Array.from({ length: 4 }, (_, index) =>
          move(may(), id, index % 2 === 0 ? 'review' : 'cancelled', { expectedVersion: 1 }),
        ),
      )
      expect(racers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
      for (const racer of racers)
        if (racer.status === 'rejected') expect(racer.reason).toBeInstanceOf(StaleTransitionError)
      expect(await recorded(id)).toHaveLength(1)
    }
  })

  it('calls with one key make one step, and all get its outcome', async () => {
    for (let round = 0; round < 10; round++) {
      const id = await article()
      const outcomes = await Promise.all(
        Array.from({ length: 4 }, () => move(may(), id, 'review', { idempotencyKey: 'once' })),
      )
      expect(outcomes.map(({ from, to, version }) => [from, to, version])).toEqual(
        outcomes.map(() => ['draft', 'review', 2]),
      )
      expect(outcomes.filter(({ replayed }) => !replayed)).toHaveLength(1)
      expect(await recorded(id)).toHaveLength(1)
    }
  })
})
