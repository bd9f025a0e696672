/** Clusters of keywords and verdicts on them, and the decisions of people about both. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type ContentDatabase,
  contentDatabase,
  keywordsOf,
  NOBODY,
  team,
  type Team,
} from './support/content.ts'

let place: ContentDatabase
let acme: Team
beforeAll(async () => {
  place = await contentDatabase()
  acme = await team(place.content)
})
afterAll(() => place?.close())

describe('clusters', () => {
  test('are refused a hub that is its own spoke, a second hub, and keywords of another workflow', async () => {
    const { workflow, shoes, boots, running } = await keywordsOf(acme)
    const elsewhere = await keywordsOf(acme)
    const insert = (hub: string, spoke: string) =>
      place.rowsAs(
        acme.principal,
        'insert into topic_clusters (organization_id, workflow_id, hub_keyword_id, spoke_keyword_id) values ($1, $2, $3, $4)',
        [acme.organization.id, workflow.id, hub, spoke],
      )
    await expect(insert(shoes.id, shoes.id)).rejects.toMatchObject({
      constraint: 'topic_clusters_hub_is_no_spoke_check',
    })
    await expect(insert(shoes.id, elsewhere.running.id)).rejects.toMatchObject({
      code: 'TENANTRY_FOREIGN_KEY',
    })
    await expect(insert(elsewhere.shoes.id, running.id)).rejects.toMatchObject({
      code: 'TENANTRY_FOREIGN_KEY',
    })
    await insert(shoes.id, running.id)
    await expect(insert(boots.id, running.id)).rejects.toMatchObject({ code: 'TENANTRY_UNIQUE' })
    const { clusters } = acme.scope
    await expect(
      clusters.assign({
        workflowId: workflow.id,
        hubKeywordId: shoes.id,
        spokes: [{ keywordId: shoes.id.toUpperCase() }],
      }),
    ).rejects.toMatchObject({ issues: [{ path: 'spokes' }] })
    await expect(
      clusters.assign({
        workflowId: workflow.id,
        hubKeywordId: shoes.id,
        spokes: [{ keywordId: boots.id, similarityScore: 2 }],
      }),
    ).rejects.toMatchObject({ issues: [{ path: 'spokes.0.similarityScore' }] })
    await expect(
      clusters.assign({
        workflowId: workflow.id,
        hubKeywordId: shoes.id,
        spokes: [{ keywordId: elsewhere.boots.id }],
      }),
    ).rejects.toMatchObject({ code: 'TENANTRY_FOREIGN_KEY' })
    expect(await clusters.count({ where: { workflowId: workflow.id } })).toBe(1)
  })

  test('are validated by their own numbers, whoever writes the verdict', async () => {
    const { workflow, shoes, boots, running, trail } = await keywordsOf(acme)
    const { clusters } = acme.scope
    await clusters.assign({
      workflowId: workflow.id,
      hubKeywordId: shoes.id,
      spokes: [
        { keywordId: running.id, similarityScore: 0.9 },
        { keywordId: trail.id, similarityScore: 0.5 },
        { keywordId: boots.id },
      ],
    })
    expect(await clusters.validate({ workflowId: workflow.id })).toMatchObject([
      {
        hubKeywordId: shoes.id,
        validationStatus: 'valid',
        avgSimilarity: 0.7,
        spokeCount: 3,
        validationReason: null,
      },
    ])
    const verdict = async (thresholds: object) =>
      (await clusters.validate({ workflowId: workflow.id, ...thresholds }))[0]
    expect(await verdict({ minSimilarity: 0.8 })).toMatchObject({
      validationStatus: 'invalid',
      validationReason: 'an average similarity of 0.700, and it takes at least 0.8',
    })
    expect(await verdict({ minSpokes: 4 })).toMatchObject({
      validationReason: '3 spokes, and it takes at least 4',
    })
    expect(await verdict({ maxSpokes: 2 })).toMatchObject({
      validationReason: '3 spokes, and at most 2 belong together',
    })

    await expect(
      place.rowsAs(acme.principal, `update cluster_validation_results set validation_status = 'valid'`),
    ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    await place.rows(
      `update cluster_validation_results set validation_status = 'valid', avg_similarity = 1, spoke_count = 99 where workflow_id = $1`,
      [workflow.id],
    )
    expect(await acme.scope.clusterValidations.find({ where: { workflowId: workflow.id } })).toMatchObject({
      validationStatus: 'invalid',
      avgSimilarity: 0.7,
      spokeCount: 3,
    })
    await expect(verdict({ minSpokes: 5, maxSpokes: 4 })).rejects.toMatchObject({
      issues: [{ path: 'maxSpokes' }],
    })
  })

  test('are read with their spokes and verdict; one that is dissolved has none', async () => {
    const { workflow, shoes, boots, running, trail } = await keywordsOf(acme)
    const { clusters } = acme.scope
    const assign = (hubKeywordId: string, ...keywordIds: string[]) =>
      clusters.assign({
        workflowId: workflow.id,
        hubKeywordId,
        spokes: keywordIds.map((keywordId, at) => ({ keywordId, similarityScore: 0.7 + at / 10 })),
      })
    await assign(shoes.id, running.id, trail.id)
    await clusters.validate({ workflowId: workflow.id })
    const [hub] = await clusters.ofWorkflow(workflow.id)
    expect(hub).toMatchObject({
      keyword: 'shoes',
      validation: { validationStatus: 'valid', avgSimilarity: 0.75 },
    })
    expect(hub?.spokes.map(({ spokeKeywordId }) => spokeKeywordId)).toEqual([trail.id, running.id])

    await assign(boots.id, trail.id)
    expect(
      (await clusters.ofWorkflow(workflow.id)).map(({ keyword, spokes }) => [keyword, spokes.length]),
    ).toEqual([
      ['boots', 1],
      ['shoes', 1],
    ])
    expect(await clusters.dissolve(workflow.id, shoes.id)).toBe(1)
    expect(
      (await clusters.validate({ workflowId: workflow.id })).map(({ hubKeywordId }) => hubKeywordId),
    ).toEqual([boots.id])
    expect(await acme.scope.clusterValidations.count({ where: { workflowId: workflow.id } })).toBe(1)
  })
})

describe('a decision', () => {
  test('is of whoever makes it, about a workflow or a keyword in it, and the last one counts', async () => {
    const { workflow, shoes } = await keywordsOf(acme)
    const member = await acme.member()
    const about = { workflowId: workflow.id, entityType: 'seed_keywords' } as const
    const first = await acme.scope.approvals.decide({
      ...about,
      decision: 'rejected',
      feedback: 'too broad',
      userId: NOBODY,
    })
    expect(first).toMatchObject({ userId: acme.user.id, entityId: workflow.id, entityKeywordId: null })
    const second = await member.scope.approvals.decide({
      ...about,
      decision: 'approved',
      confidenceScore: 0.9,
    })
    expect(second).toMatchObject({
      id: first.id,
      userId: member.user.id,
      decision: 'approved',
      feedback: null,
    })
    expect(await acme.scope.approvals.isApproved(workflow.id, 'seed_keywords')).toBe(true)
    expect(await acme.scope.approvals.isApproved(workflow.id, 'clusters')).toBe(false)
    expect(
      await acme.service.approvals.decide({
        ...about,
        entityId: shoes.id,
        decision: 'approved',
        userId: acme.user.id,
      }),
    ).toMatchObject({ entityKeywordId: shoes.id, userId: acme.user.id })
  })

  test('is refused about what isn’t the workflow’s', async () => {
    const { workflow } = await keywordsOf(acme)
    const elsewhere = await keywordsOf(acme)
    const foreign = await keywordsOf(await team(place.content))
    const { approvals } = acme.scope
    for (const [workflowId, entityId] of [
      [workflow.id, elsewhere.shoes.id],
      [workflow.id, foreign.shoes.id],
      [workflow.id, NOBODY],
      [foreign.workflow.id, foreign.workflow.id],
    ] as const) {
      await expect(
        approvals.decide({ workflowId, entityType: 'clusters', entityId, decision: 'approved' }),
      ).rejects.toMatchObject({
        code: 'TENANTRY_FOREIGN_KEY',
      })
    }
    expect(await approvals.count({ where: { workflowId: workflow.id } })).toBe(0)
  })
})
