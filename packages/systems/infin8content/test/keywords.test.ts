/** The hierarchy of keywords: where each may stand, and how far it is. */
import type { TenantryError } from '@tenantry/core'
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

const COLUMNS = 'organization_id, workflow_id, keyword, keyword_type, parent_seed_keyword_id'

describe('keywords', () => {
  test('stand in their tree, seed over longtail over subtopic', async () => {
    const { workflow, shoes, boots, running, trail } = await keywordsOf(acme)
    const [subtopic] = await acme.scope.keywords.addSubtopics({
      parentId: running.id,
      keywords: [
        { keyword: 'running shoes for beginners', searchVolume: 300, decisionMetadata: { model: 'm' } },
      ],
    })
    const tree = await acme.scope.keywords.tree(workflow.id)
    expect(tree.map(({ id }) => id)).toEqual([boots.id, shoes.id])
    expect(tree[1]?.children.map(({ id }) => id)).toEqual([running.id, trail.id])
    expect(tree[1]?.children[0]?.children).toMatchObject([
      {
        id: subtopic?.id,
        keywordType: 'subtopic',
        searchVolume: 300,
        decisionMetadata: { model: 'm' },
        children: [],
      },
    ])
    expect(await acme.scope.keywords.tree(null)).toEqual([])
  })

  test('are there once in a workflow, whatever their case and the space around them; no workflow counts as one', async () => {
    const { workflow } = await keywordsOf(acme)
    const { keywords } = acme.scope
    const again = [{ keyword: ' SHOES\n' }, { keyword: 'Sandals' }, { keyword: 'sandals ' }]
    expect(
      (await keywords.addSeeds({ workflowId: workflow.id, keywords: again })).map(({ keyword }) => keyword),
    ).toEqual(['Sandals'])
    await expect(
      keywords.create({ keyword: '\tSANDALS', keywordType: 'seed', workflowId: workflow.id }),
    ).rejects.toMatchObject({ code: 'TENANTRY_UNIQUE' })

    const own = await team(place.content)
    await own.scope.keywords.create({ keyword: 'loose', keywordType: 'seed' })
    await expect(own.scope.keywords.create({ keyword: 'Loose', keywordType: 'seed' })).rejects.toMatchObject({
      code: 'TENANTRY_UNIQUE',
    })
    expect(await own.scope.keywords.addSeeds({ workflowId: null, keywords: [{ keyword: 'LOOSE' }] })).toEqual(
      [],
    )
    const other = await own.scope.workflows.start({ title: 'Other' })
    expect(
      await own.scope.keywords.addSeeds({ workflowId: other.id, keywords: [{ keyword: 'loose' }] }),
    ).toHaveLength(1)
    expect(await own.scope.keywords.tree(null)).toHaveLength(1)
  })

  test('refuse, to raw SQL too, every parent but the right one', async () => {
    const { workflow, shoes, running } = await keywordsOf(acme)
    const [deep] = await acme.scope.keywords.addSubtopics({
      parentId: running.id,
      keywords: [{ keyword: 'deep' }],
    })
    const foreign = await keywordsOf(await team(place.content))
    const elsewhere = await keywordsOf(acme)
    const loose = await acme.scope.keywords.create({
      keyword: `loose ${crypto.randomUUID()}`,
      keywordType: 'seed',
    })
    const before = await acme.scope.keywords.count()
    const wrong: readonly (readonly [string, string | null, string])[] = [
      ['longtail', null, 'TENANTRY_CHECK'],
      ['subtopic', null, 'TENANTRY_CHECK'],
      ['seed', shoes.id, 'TENANTRY_CHECK'],
      ['longtail', running.id, 'TENANTRY_FOREIGN_KEY'],
      ['longtail', deep?.id ?? '', 'TENANTRY_FOREIGN_KEY'],
      ['subtopic', shoes.id, 'TENANTRY_FOREIGN_KEY'],
      ['subtopic', deep?.id ?? '', 'TENANTRY_FOREIGN_KEY'],
      ['longtail', elsewhere.shoes.id, 'TENANTRY_FOREIGN_KEY'],
      ['longtail', loose.id, 'TENANTRY_FOREIGN_KEY'],
      ['longtail', foreign.shoes.id, 'TENANTRY_FOREIGN_KEY'],
      ['longtail', NOBODY, 'TENANTRY_FOREIGN_KEY'],
    ]
    const errors: unknown[] = []
    for (const [type, parent, code] of wrong) {
      const params = [acme.organization.id, workflow.id, `${type} of ${parent}`, type, parent]
      for (const run of [
        (text: string) => place.rowsAs(acme.principal, text, params),
        (text: string) => place.rows(text, params),
      ]) {
        const error = await run(`insert into keywords (${COLUMNS}) values ($1, $2, $3, $4, $5)`).catch(
          (e: TenantryError) => e.toJSON(),
        )
        expect(error, `${type} of ${parent}`).toMatchObject({ code })
        if (parent === foreign.shoes.id || parent === NOBODY) errors.push(error)
      }
    }
    // Another organization's keyword and none at all are the same.
    expect(new Set(errors.map((error) => JSON.stringify(error))).size).toBe(1)
    expect(await acme.scope.keywords.count()).toBe(before)
  })

  test('can’t be made a cycle, or moved to where they don’t nest', async () => {
    const { shoes, boots, running, trail } = await keywordsOf(acme)
    const elsewhere = await acme.scope.workflows.start({ title: 'Elsewhere' })
    for (const [statement, params] of [
      ['update keywords set parent_seed_keyword_id = id where id = $1', [running.id]],
      ['update keywords set parent_seed_keyword_id = $1 where id = $2', [trail.id, running.id]],
      [
        `update keywords set keyword_type = 'longtail', parent_seed_keyword_id = $1 where id = $2`,
        [running.id, shoes.id],
      ],
      [`update keywords set keyword_type = 'subtopic' where id = $1`, [running.id]],
      ['update keywords set workflow_id = $1 where id = $2', [elsewhere.id, running.id]],
      ['update keywords set workflow_id = null where id = $1', [shoes.id]],
    ] as const) {
      await expect(place.rowsAs(acme.principal, statement, params), statement).rejects.toMatchObject({
        code: 'TENANTRY_FOREIGN_KEY',
      })
    }
    // To another seed of the workflow a longtail may move.
    await place.rowsAs(acme.principal, 'update keywords set parent_seed_keyword_id = $1 where id = $2', [
      boots.id,
      running.id,
    ])
    await acme.scope.keywords.remove(boots.id)
    await expect(acme.scope.keywords.get(running.id)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
  })

  test('say what is wrong with a parent, and write nothing', async () => {
    const { workflow, shoes, running } = await keywordsOf(acme)
    const { keywords } = acme.scope
    const before = await keywords.count()
    const found = [{ keyword: 'x' }]
    await expect(keywords.addLongtails({ parentId: running.id, keywords: found })).rejects.toMatchObject({
      issues: [{ path: 'parentId', message: 'must be a seed, and is a longtail' }],
    })
    await expect(keywords.addSubtopics({ parentId: shoes.id, keywords: found })).rejects.toMatchObject({
      issues: [{ path: 'parentId' }],
    })
    await expect(keywords.addLongtails({ parentId: NOBODY, keywords: found })).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
    await expect(
      keywords.create({ keyword: 'x', keywordType: 'longtail', workflowId: workflow.id }),
    ).rejects.toMatchObject({
      issues: [{ path: 'parentSeedKeywordId' }],
    })
    await expect(keywords.addSeeds({ workflowId: NOBODY, keywords: found })).rejects.toMatchObject({
      code: 'TENANTRY_FOREIGN_KEY',
    })
    for (const [wrong, path] of [
      [{ keyword: ' ' }, 'keywords.0.keyword'],
      [{ keyword: 'a\0' }, 'keywords.0.keyword'],
      [{ keyword: 'x', searchVolume: -1 }, 'keywords.0.searchVolume'],
      [{ keyword: 'x', decisionConfidence: 2 }, 'keywords.0.decisionConfidence'],
      [{ keyword: 'x', subtopics: [{}] }, 'keywords.0.subtopics.0.keyword'],
      [{ keyword: 'x', articleStatus: 'ready' }, 'keywords.0.articleStatus'],
    ] as const) {
      const input: { keyword: string } = wrong as never
      await expect(keywords.addSeeds({ workflowId: workflow.id, keywords: [input] })).rejects.toMatchObject({
        issues: [{ path }],
      })
    }
    expect(await keywords.count()).toBe(before)
  })

  test('are approved and rejected in lists, and each verdict is told once', async () => {
    const { shoes, boots } = await keywordsOf(acme)
    const foreign = await keywordsOf(await team(place.content))
    const { keywords } = acme.scope
    const ids = [shoes.id, boots.id, foreign.shoes.id]
    expect(await keywords.decide({ ids, filterStatus: 'approved' })).toHaveLength(2)
    expect(await keywords.decide({ ids, filterStatus: 'approved' })).toEqual([])
    expect(await keywords.decide({ ids: [boots.id], filterStatus: 'rejected' })).toMatchObject([
      { id: boots.id, filterStatus: 'rejected', userSelected: false },
    ])
  })

  test('move by their verbs', async () => {
    const { shoes } = await keywordsOf(acme)
    const { keywords } = acme.scope
    await keywords.moveLongtails(shoes.id, 'processing')
    expect(await keywords.moveLongtails(shoes.id, 'complete')).toMatchObject({ longtailStatus: 'complete' })
    await keywords.moveSubtopics(shoes.id, 'processing')
    await keywords.moveArticle(shoes.id, 'ready')
    await expect(keywords.moveArticle(shoes.id, 'complete')).rejects.toMatchObject({
      code: 'TENANTRY_STALE_TRANSITION',
    })
    await expect(keywords.moveSubtopics(NOBODY, 'failed')).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
  })
})
