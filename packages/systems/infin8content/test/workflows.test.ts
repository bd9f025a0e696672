/** The 29 states: what the database keeps about them when nobody goes through the verbs, and what the verbs add. */
import { StaleTransitionError } from '@tenantry/core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { WORKFLOW_STATES, type WorkflowState } from '../src/types.ts'
import { type ContentDatabase, contentDatabase, NOBODY, team, type Team } from './support/content.ts'

let place: ContentDatabase
let acme: Team
beforeAll(async () => {
  place = await contentDatabase()
  acme = await team(place.content)
})
afterAll(() => place?.close())

/** The documented edges, written out here and not read from the machine. */
const EDGES: Readonly<Record<string, string>> = {
  CREATED: 'ICP_PENDING',
  ICP_PENDING: 'ICP_PROCESSING',
  ICP_PROCESSING: 'ICP_COMPLETED ICP_FAILED',
  ICP_FAILED: 'ICP_PENDING',
  ICP_COMPLETED: 'COMPETITOR_PENDING',
  COMPETITOR_PENDING: 'COMPETITOR_PROCESSING',
  COMPETITOR_PROCESSING: 'COMPETITOR_COMPLETED COMPETITOR_FAILED',
  COMPETITOR_FAILED: 'COMPETITOR_PENDING',
  COMPETITOR_COMPLETED: 'SEED_REVIEW_PENDING',
  SEED_REVIEW_PENDING: 'SEED_REVIEW_COMPLETED',
  SEED_REVIEW_COMPLETED: 'CLUSTERING_PENDING',
  CLUSTERING_PENDING: 'CLUSTERING_PROCESSING',
  CLUSTERING_PROCESSING: 'CLUSTERING_COMPLETED CLUSTERING_FAILED',
  CLUSTERING_FAILED: 'CLUSTERING_PENDING',
  CLUSTERING_COMPLETED: 'VALIDATION_PENDING',
  VALIDATION_PENDING: 'VALIDATION_PROCESSING',
  VALIDATION_PROCESSING: 'VALIDATION_COMPLETED VALIDATION_FAILED',
  VALIDATION_FAILED: 'VALIDATION_PENDING',
  VALIDATION_COMPLETED: 'ARTICLE_PENDING',
  ARTICLE_PENDING: 'ARTICLE_PROCESSING',
  ARTICLE_PROCESSING: 'ARTICLE_COMPLETED ARTICLE_FAILED',
  ARTICLE_FAILED: 'ARTICLE_PENDING',
  ARTICLE_COMPLETED: 'PUBLISH_PENDING',
  PUBLISH_PENDING: 'PUBLISH_PROCESSING',
  PUBLISH_PROCESSING: 'PUBLISH_COMPLETED PUBLISH_FAILED',
  PUBLISH_FAILED: 'PUBLISH_PENDING',
  PUBLISH_COMPLETED: 'COMPLETED',
}

function follows(from: string, to: string): boolean {
  const edges = (EDGES[from] ?? '').split(' ')
  return edges.includes(to) || (to === 'CANCELLED' && EDGES[from] !== undefined)
}

/** What a person must have approved before an edge. */
const GATES: Readonly<Record<string, 'seed_keywords' | 'clusters' | 'subtopics'>> = {
  'SEED_REVIEW_PENDING SEED_REVIEW_COMPLETED': 'seed_keywords',
  'VALIDATION_COMPLETED ARTICLE_PENDING': 'clusters',
  'ARTICLE_PENDING ARTICLE_PROCESSING': 'subtopics',
}

/** Steps on the way to the end, without failures. */
const PATH = Object.keys(EDGES)
  .filter((state) => !state.endsWith('_FAILED'))
  .concat('COMPLETED') as WorkflowState[]

/** A workflow in a state, by the owner's own hand: triggers are off. */
async function workflowIn(state: string): Promise<string> {
  const [row] = await place.rows<{ id: string }>(
    'insert into intent_workflows (organization_id, created_by, title) values ($1, $2, $3) returning id',
    [acme.organization.id, acme.user.id, `In ${state}`],
  )
  const id = row?.id ?? ''
  await place.database.driver.transaction({}, async (connection) => {
    await connection.script('set local session_replication_role = replica')
    await connection.query({
      text: 'update intent_workflows set state = $1 where id = $2',
      params: [state, id],
    })
  })
  return id
}

async function approveAll(workflowId: string): Promise<void> {
  for (const entityType of ['seed_keywords', 'clusters', 'subtopics'] as const) {
    await acme.scope.approvals.decide({ workflowId, entityType, decision: 'approved' })
  }
}

describe('raw SQL', () => {
  test('can take every edge of the machine and no other, from each of the 29 states', async () => {
    expect(WORKFLOW_STATES).toHaveLength(29)
    const taken: string[] = []
    for (const from of WORKFLOW_STATES) {
      const id = await workflowIn(from)
      await approveAll(id)
      // As a member, each in a savepoint that is undone.
      const outcomes = await place.database.driver.transaction({}, async (connection) => {
        const found: string[] = []
        await connection.script(
          `set local role tenantry_tenant;
           set local app.current_user_id = '${acme.user.id}';
           set local app.current_organization_id = '${acme.organization.id}'`,
        )
        for (const to of WORKFLOW_STATES.filter((state) => state !== from)) {
          const undo = new Error('undone')
          await connection
            .savepoint(async (part) => {
              const { count } = await part.query({
                text: 'update public.intent_workflows set state = $1 where id = $2',
                params: [to, id],
              })
              found.push(`${from} ${to}: ${count}`)
              throw undo
            })
            .catch((error: unknown) => {
              if (error !== undo && !(error instanceof StaleTransitionError)) throw error
            })
        }
        return found
      })
      taken.push(...outcomes)
    }
    const edges = WORKFLOW_STATES.flatMap((from) =>
      WORKFLOW_STATES.filter((to) => follows(from, to)).map((to) => `${from} ${to}: 1`),
    )
    expect(taken.toSorted()).toEqual(edges.toSorted())
  })

  test.each(Object.entries(GATES))(
    'can’t take %s without the approval of all %s, nor after it was withdrawn',
    async (edge, entityType) => {
      const [from = '', to = ''] = edge.split(' ')
      const id = await workflowIn(from)
      const step = () =>
        place.rowsAs(acme.principal, 'update intent_workflows set state = $1 where id = $2 returning state', [
          to,
          id,
        ])
      const missing = { code: 'TENANTRY_CHECK', constraint: `${entityType}_approved` }
      const { approvals } = acme.scope
      await expect(step()).rejects.toMatchObject(missing)
      await approvals.decide({ workflowId: id, entityType, decision: 'rejected' })
      await expect(step()).rejects.toMatchObject(missing)
      const others = Object.values(GATES).filter((each) => each !== entityType)
      for (const other of others)
        await approvals.decide({ workflowId: id, entityType: other, decision: 'approved' })
      await expect(step()).rejects.toMatchObject(missing)
      await approvals.decide({ workflowId: id, entityType, decision: 'approved' })
      expect(await step()).toEqual([{ state: to }])
    },
  )

  test('can’t begin a workflow anywhere but in CREATED, nor in a state that isn’t one', async () => {
    for (const state of ['ICP_PENDING', 'COMPLETED', 'DONE']) {
      await expect(
        place.rowsAs(
          acme.principal,
          'insert into intent_workflows (organization_id, title, state) values ($1, $2, $3)',
          [acme.organization.id, 'x', state],
        ),
      ).rejects.toMatchObject({ code: 'TENANTRY_STALE_TRANSITION' })
    }
  })

  test('raises the version and leaves a record of every step, and can forge neither', async () => {
    const workflow = await acme.scope.workflows.start({ title: 'By hand' })
    await place.rowsAs(acme.principal, `update intent_workflows set state = 'ICP_PENDING' where id = $1`, [
      workflow.id,
    ])
    expect(await acme.scope.workflows.get(workflow.id)).toMatchObject({ version: 2, currentStep: 1 })
    expect(await acme.scope.workflows.history(workflow.id)).toMatchObject([
      {
        fromState: 'CREATED',
        toState: 'ICP_PENDING',
        version: 2,
        userId: acme.user.id,
        idempotencyKey: null,
      },
    ])
    const refused = { code: 'TENANTRY_ISOLATION' }
    for (const [statement, params] of [
      ['update intent_workflows set version = 9 where id = $1', [workflow.id]],
      ['update intent_workflows set created_by = $1', [NOBODY]],
      ['delete from workflow_transitions where workflow_id = $1', [workflow.id]],
      ['update workflow_transitions set transition_reason = $1', ['x']],
      [
        `insert into workflow_transitions (workflow_id, organization_id, from_state, to_state, version)
         values ($1, $2, 'CREATED', 'COMPLETED', 3)`,
        [workflow.id, acme.organization.id],
      ],
    ] as const) {
      await expect(place.rowsAs(acme.principal, statement, params)).rejects.toMatchObject(refused)
    }
    for (const statement of [
      'delete from workflow_transitions',
      'truncate workflow_transitions',
      'update audit_logs set user_id = null',
    ]) {
      await expect(place.rows(statement)).rejects.toMatchObject(refused)
    }
  })
})

describe('a transition', () => {
  test('leads a workflow from its beginning to its end, by its seven phases', async () => {
    const workflow = await acme.scope.workflows.start({ title: 'All the way', metadata: { plan: 'a' } })
    expect(workflow).toMatchObject({ state: 'CREATED', version: 1, currentStep: 1, createdBy: acme.user.id })
    await approveAll(workflow.id)
    for (const [at, to] of PATH.slice(1).entries()) {
      const done = await acme.scope.workflows.transition(workflow.id, { to, version: at + 1 })
      expect(done).toEqual({ from: PATH[at], to, version: at + 2, replayed: false })
    }
    const ended = await acme.scope.workflows.get(workflow.id)
    expect(ended).toMatchObject({ state: 'COMPLETED', version: PATH.length, currentStep: 7 })
    const history = await acme.scope.workflows.history(workflow.id)
    expect(history.map(({ toState }) => toState)).toEqual(PATH.slice(1))
    await expect(acme.scope.workflows.cancel(workflow.id)).rejects.toMatchObject({
      code: 'TENANTRY_STALE_TRANSITION',
    })
  })

  test('is one effect for one idempotency key, and a conflict for another step', async () => {
    const workflow = await acme.scope.workflows.start({ title: 'Twice' })
    const input = {
      to: 'ICP_PENDING',
      idempotencyKey: 'k1',
      reason: 'ready',
      metadata: { by: 'test' },
    } as const
    const first = await acme.scope.workflows.transition(workflow.id, input)
    expect(await acme.scope.workflows.transition(workflow.id, input)).toEqual({ ...first, replayed: true })
    await acme.scope.workflows.transition(workflow.id, { to: 'ICP_PROCESSING' })
    expect(await acme.scope.workflows.transition(workflow.id, input)).toEqual({ ...first, replayed: true })
    await expect(
      acme.scope.workflows.transition(workflow.id, { to: 'ICP_COMPLETED', idempotencyKey: 'k1' }),
    ).rejects.toMatchObject({ code: 'TENANTRY_IDEMPOTENCY' })
    expect(await acme.scope.workflows.history(workflow.id)).toMatchObject([
      { toState: 'ICP_PENDING', transitionReason: 'ready', idempotencyKey: 'k1', metadata: { by: 'test' } },
      { toState: 'ICP_PROCESSING', transitionReason: null, idempotencyKey: null },
    ])
  })

  test('is refused when the workflow has moved since it was read, and when it is another’s', async () => {
    const workflow = await acme.scope.workflows.start({ title: 'Moved' })
    await acme.scope.workflows.transition(workflow.id, { to: 'ICP_PENDING', version: workflow.version })
    await expect(
      acme.scope.workflows.transition(workflow.id, { to: 'ICP_PROCESSING', version: workflow.version }),
    ).rejects.toMatchObject({ code: 'TENANTRY_STALE_TRANSITION' })
    const other = await team(place.content)
    await expect(
      other.scope.workflows.transition(workflow.id, { to: 'ICP_PROCESSING' }),
    ).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
  })

  test.each([
    ['another state', { to: 'DONE' }, 'to'],
    ['no state', {}, 'to'],
    ['a version below 1', { to: 'ICP_PENDING', version: 0 }, 'version'],
    ['a blank key', { to: 'ICP_PENDING', idempotencyKey: ' ' }, 'idempotencyKey'],
    ['an unknown field', { to: 'ICP_PENDING', force: true }, 'force'],
  ])('refuses %s before it runs', async (_what, input, path) => {
    const workflow = await acme.scope.workflows.start({ title: 'Bad input' })
    const wrong: { to: WorkflowState } = input as never
    await expect(acme.scope.workflows.transition(workflow.id, wrong)).rejects.toMatchObject({
      code: 'TENANTRY_VALIDATION',
      issues: [{ path }],
    })
    expect(await acme.scope.workflows.history(workflow.id)).toEqual([])
  })

  test('of ten callers who want the same step, one makes it; of ten with one key, all hear of the one', async ({
    skip,
  }) => {
    skip(!place.database.driver.traits.concurrent, 'needs several connections: give TEST_DATABASE_URL')
    const workflow = await acme.scope.workflows.start({ title: 'Raced' })
    const race = (input: Parameters<typeof acme.scope.workflows.transition>[1]) =>
      Promise.allSettled(
        Array.from({ length: 10 }, () => acme.scope.workflows.transition(workflow.id, input)),
      )
    const without = await race({ to: 'ICP_PENDING' })
    expect(without.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    const same = await race({ to: 'ICP_PROCESSING', idempotencyKey: 'once' })
    expect(same.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
    expect(await acme.scope.workflows.history(workflow.id)).toHaveLength(2)
    expect(await acme.scope.workflows.get(workflow.id)).toMatchObject({ version: 3 })
  })

  test('retries a phase that failed, and nothing else', async () => {
    const id = await workflowIn('CLUSTERING_FAILED')
    expect(await acme.scope.workflows.retry(id, 'once more')).toMatchObject({ to: 'CLUSTERING_PENDING' })
    await expect(acme.scope.workflows.retry(id)).rejects.toMatchObject({ code: 'TENANTRY_STALE_TRANSITION' })
  })
})

test('lists count each workflow’s keywords, and find the active and the failed ones', async () => {
  const own = await team(place.content)
  const { workflows, keywords } = own.scope
  const one = await workflows.start({ title: 'One' })
  const two = await workflows.start({ title: 'Two' })
  await keywords.addSeeds({ workflowId: one.id, keywords: [{ keyword: 'a' }, { keyword: 'b' }] })
  await workflows.cancel(two.id, 'not now')
  await workflows.transition(one.id, { to: 'ICP_PENDING' })
  await workflows.transition(one.id, { to: 'ICP_PROCESSING' })
  expect((await workflows.withKeywordCounts()).map(({ id, keywordCount }) => [id, keywordCount])).toEqual([
    [two.id, 0],
    [one.id, 2],
  ])
  expect((await workflows.active()).map(({ id }) => id)).toEqual([one.id])
  expect(await workflows.failed()).toEqual([])
  await workflows.transition(one.id, { to: 'ICP_FAILED' })
  expect((await workflows.failed({ limit: 1 })).map(({ id }) => id)).toEqual([one.id])
  expect(await own.service.workflows.withKeywordCounts()).toHaveLength(2)
})

test('the service role starts a workflow in somebody’s name, a member only in their own', async () => {
  const { service, user, scope } = acme
  expect(await service.workflows.start({ title: 'Imported', createdBy: user.id })).toMatchObject({
    createdBy: user.id,
  })
  await expect(service.workflows.start({ title: 'Nobody’s' })).rejects.toMatchObject({
    code: 'TENANTRY_NOT_NULL',
  })
  expect(await scope.workflows.start({ title: 'Mine', createdBy: NOBODY })).toMatchObject({
    createdBy: user.id,
  })
})
