import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { OUTPUT_STATUSES, type OutputStatus } from '../src/types.ts'
import { NOBODY, type Place, repostrDatabase, user, type User } from './support/place.ts'

let place: Place
beforeAll(async () => {
  place = await repostrDatabase()
})
afterAll(() => place?.close())

const queued = ({ scope, project }: User) => scope.outputs.request({ projectId: project.id, kind: 'blog' })

/** An output in a state, and the claim that brought it there, if one did. */
async function outputIn(of: User, status: OutputStatus) {
  const output = await queued(of)
  if (status === 'queued') return { id: output.id }
  const [claim] = await of.service.outputs.claim()
  if (claim?.id !== output.id) throw new Error('another output was claimed')
  if (status === 'completed') await of.service.outputs.complete(claim, { body: 'Text' })
  if (status === 'failed') await of.service.outputs.fail(claim, 'no words', { final: true })
  return { id: output.id, claim }
}

/** The lease ran out so many seconds ago. */
const lapse = (id: string, secondsAgo: number) =>
  place.rows(
    `with tokens as (
       select set_config('tenantry.lease_tokens', lease_token::text, true) as tokens from outputs where id = $1
     )
     update outputs set available_at = now() - make_interval(secs => $2) from tokens
     where id = $1 and tokens is not null`,
    [id, secondsAgo],
  )

describe('asking for an output', () => {
  test('queues it, with the request as it was', async () => {
    const { scope, project } = await user(place)
    const request = { topic: 'AI', target_length: 1500, audience: ['founders', null] }
    const output = await scope.outputs.request({ projectId: project.id, kind: 'email', request })
    expect(output).toMatchObject({
      projectId: project.id,
      kind: 'email',
      status: 'queued',
      request,
      body: null,
      metadata: {},
      attempts: 0,
    })
    expect(await scope.outputs.get(output.id)).toEqual(output)
  })

  test('takes the tone of voice from the profile, unless it is given', async () => {
    const { scope, project } = await user(place)
    await scope.profiles.upsert({ toneOfVoice: 'professional' })
    const ask = async (request: Record<string, string>) =>
      (await scope.outputs.request({ projectId: project.id, kind: 'blog', request })).request
    expect(await ask({ topic: 'AI' })).toEqual({ topic: 'AI', tone_of_voice: 'professional' })
    expect(await ask({ tone_of_voice: 'witty' })).toEqual({ tone_of_voice: 'witty' })
  })

  test('for a project of another user is refused like for a missing one, and writes nothing', async () => {
    const ann = await user(place)
    const ben = await user(place)
    for (const projectId of [ben.project.id, NOBODY]) {
      await expect(ann.scope.outputs.request({ projectId, kind: 'blog' })).rejects.toMatchObject({
        code: 'TENANTRY_FOREIGN_KEY',
        constraint: 'outputs_project_id_fkey',
      })
    }
    expect(await ann.scope.outputs.count()).toBe(0)
    expect(await ben.scope.outputs.count()).toBe(0)
  })
})

describe('a worker', () => {
  test('claims the oldest output, completes it with its claim, and the user reads it', async () => {
    const ann = await user(place)
    const first = await queued(ann)
    await queued(ann)
    const [claim, ...others] = await ann.service.outputs.claim()
    expect(others).toEqual([])
    expect(claim).toMatchObject({
      id: first.id,
      tenant: ann.userId,
      attempt: 1,
      row: { status: 'processing' },
    })
    if (claim === undefined) throw new Error('nothing claimed')
    await ann.service.outputs.renew(claim)
    await ann.service.outputs.complete(claim, { body: '# AI', metadata: { word_count: 2, model: 'm' } })
    await ann.service.outputs.complete(claim, { body: 'again' })
    expect(await ann.scope.outputs.get(first.id)).toMatchObject({
      status: 'completed',
      body: '# AI',
      metadata: { word_count: 2, model: 'm' },
    })
    expect(await ann.service.outputs.backlog()).toMatchObject({ ready: 1, working: 0, expired: 0 })
  })

  test('that fails has it tried again after a wait, and given up after the third attempt', async () => {
    const ann = await user(place)
    const { id } = await queued(ann)
    for (const attempt of [1, 2, 3]) {
      const [claim] = await ann.service.outputs.claim()
      expect(claim).toMatchObject({ id, attempt })
      if (claim === undefined) throw new Error('nothing claimed')
      const outcome = await ann.service.outputs.fail(claim, `reason ${attempt}`)
      expect(outcome).toBe(attempt < 3 ? 'retried' : 'failed')
      expect(await ann.service.outputs.claim()).toEqual([])
      await place.rows(`update outputs set available_at = now() where id = $1 and status = 'queued'`, [id])
    }
    expect(await ann.scope.outputs.get(id)).toMatchObject({
      status: 'failed',
      lastError: 'reason 3',
      attempts: 3,
    })
  })

  test('that gives its claims back leaves the outputs as they were', async () => {
    const ann = await user(place)
    const { id } = await queued(ann)
    const claims = await ann.service.outputs.claim({ limit: 5 })
    await ann.service.outputs.release(claims)
    expect(await ann.scope.outputs.get(id)).toMatchObject({ status: 'queued', attempts: 0 })
  })

  test('whose lease ran out is retried after a backoff, by another, and can finish nothing any more', async () => {
    const ann = await user(place)
    const { id, claim } = await outputIn(ann, 'processing')
    if (claim === undefined) throw new Error('nothing claimed')
    expect(await ann.service.outputs.claim()).toEqual([])
    await lapse(id, 29)
    expect(await ann.service.outputs.backlog()).toMatchObject({ expired: 1 })
    expect(await ann.service.outputs.claim()).toEqual([])
    await lapse(id, 30)
    const [second] = await ann.service.outputs.claim()
    if (second === undefined) throw new Error('not taken over')
    expect(second).toMatchObject({ id, attempt: 2 })
    await expect(ann.service.outputs.complete(claim, { body: 'late' })).rejects.toMatchObject({
      code: 'TENANTRY_STALE_TRANSITION',
    })
    await ann.service.outputs.complete(second, { body: 'in time' })
    expect(await ann.scope.outputs.get(id)).toMatchObject({ status: 'completed', body: 'in time' })
  })

  test('holds a claim for an hour by the database’s clock', async () => {
    const ann = await user(place)
    const { id } = await outputIn(ann, 'processing')
    expect(
      await place.rows(
        `select available_at - updated_at between interval '59 minutes' and interval '61 minutes' as hour
         from outputs where id = $1`,
        [id],
      ),
    ).toEqual([{ hour: true }])
  })

  test('is the service role: users claim nothing, complete nothing, see no backlog', async () => {
    const { scope } = await user(place)
    const claim = { id: NOBODY, tenant: 'x', token: NOBODY }
    for (const call of [
      () => scope.outputs.claim(),
      () => scope.outputs.complete(claim, { body: 'x' }),
      () => scope.outputs.fail(claim, 'x'),
      () => scope.outputs.renew(claim),
      () => scope.outputs.release([claim]),
      () => scope.outputs.backlog(),
    ]) {
      await expect(call()).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
  })
})

describeOnServer('many workers', () => {
  test('get each output exactly once', async () => {
    const ann = await user(place)
    await ann.service.subscriptions.sync({ plan: 'business', status: 'active' })
    const ids = []
    for (let n = 0; n < 40; n += 1) ids.push((await queued(ann)).id)
    const claimed: string[] = []
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (;;) {
          const claims = await ann.service.outputs.claim({ limit: 3 })
          if (claims.length === 0) return
          for (const claim of claims) {
            claimed.push(claim.id)
            await ann.service.outputs.complete(claim, { body: 'x' })
          }
        }
      }),
    )
    expect(claimed.toSorted()).toEqual(ids.toSorted())
  })
})

describe('editing an output', () => {
  test('keeps the user’s own version once it is completed', async () => {
    const ann = await user(place)
    const { id } = await outputIn(ann, 'completed')
    expect(await ann.scope.outputs.edit(id, { body: 'Mine', metadata: { keywords: ['x'] } })).toMatchObject({
      body: 'Mine',
      metadata: { keywords: ['x'] },
      status: 'completed',
    })
    expect(await ann.scope.outputs.edit(id, { body: 'Mine too' })).toMatchObject({
      metadata: { keywords: ['x'] },
    })
  })

  test.each(['queued', 'processing', 'failed'] as const)('is refused while it is %s', async (status) => {
    const ann = await user(place)
    const { id } = await outputIn(ann, status)
    await expect(ann.scope.outputs.edit(id, { body: 'x' })).rejects.toMatchObject({
      code: 'TENANTRY_STALE_TRANSITION',
    })
  })

  test('of another user’s output is refused like of a missing one', async () => {
    const ann = await user(place)
    const ben = await user(place)
    const { id } = await outputIn(ben, 'completed')
    for (const other of [id, NOBODY]) {
      await expect(ann.scope.outputs.edit(other, { body: 'x' })).rejects.toMatchObject({
        code: 'TENANTRY_NOT_FOUND',
      })
    }
  })
})

describe('raw SQL', () => {
  /** The documented edges, and the retry that is ruled for; all of them need a claim, which raw SQL hasn't. */
  const PAIRS = OUTPUT_STATUSES.flatMap((from) =>
    OUTPUT_STATUSES.filter((to) => to !== from).map((to) => [from, to] as const),
  )

  test.each(PAIRS)('can’t move an output from %s to %s, as its user or as the owner', async (from, to) => {
    const ann = await user(place)
    const { id } = await outputIn(ann, from)
    const before = await ann.scope.outputs.get(id)
    const statement = `update outputs set status = '${to}' where id = $1`
    await expect(place.rowsAs(ann.userId, statement, [id])).rejects.toMatchObject({
      code: 'TENANTRY_ISOLATION',
    })
    await expect(place.rows(statement, [id])).rejects.toMatchObject({ code: 'TENANTRY_STALE_TRANSITION' })
    expect(await ann.scope.outputs.get(id)).toEqual(before)
  })

  test.each(['processing', 'completed', 'failed'])('can’t begin an output as %s', async (status) => {
    const { userId, project, scope } = await user(place)
    const insert = `insert into outputs (user_id, project_id, kind, status) values ($1, $2, 'blog', '${status}')`
    for (const attempt of [
      () => place.rowsAs(userId, insert, [userId, project.id]),
      () => place.rows(insert, [userId, project.id]),
    ]) {
      await expect(attempt()).rejects.toMatchObject({ code: 'TENANTRY_STALE_TRANSITION' })
    }
    expect(await scope.outputs.count()).toBe(0)
  })

  test('can’t forge a lease, a request that is being worked on, or a date, as a user', async () => {
    const ann = await user(place)
    const { id } = await outputIn(ann, 'processing')
    for (const set of [
      `lease_token = gen_random_uuid()`,
      `attempts = 0`,
      `available_at = now()`,
      `request = '{}'`,
      `created_at = now()`,
      `project_id = project_id`,
    ]) {
      await expect(
        place.rowsAs(ann.userId, `update outputs set ${set} where id = $1`, [id]),
        set,
      ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
  })
})
