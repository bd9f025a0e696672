/** Enhancements, suggestions and exports: who may move them, and that nobody moves them where they can't go. */
import { serviceExecutor } from '@tenantry/rls'
import { describeOnServer } from '@tenantry/testing/vitest'
import type { Claims } from '@tenantry/workflow'
import type { PgTable } from 'drizzle-orm/pg-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { enhancementClaims, exportClaims } from '../src/index.ts'
import { REQUEST_STATUSES, USER_ACTIONS } from '../src/types.ts'
import {
  claimed,
  customer,
  enhanced,
  NOBODY,
  type Place,
  placeOf,
  premium,
  resumeData,
  suggestion,
} from './support/place.ts'

let place: Place
beforeAll(async () => {
  place = await placeOf()
})
afterAll(() => place?.close())

const RESULT = {
  enhancedContent: { text: 'new' },
  overallConfidence: 0.8,
  processingTimeMs: 10,
  tokenUsage: 20,
}

describe('an enhancement', () => {
  test('is asked for with what the customer gives, and waits', async () => {
    const { scope } = await customer(place)
    const asked = await scope.enhancements.request({ tonePreset: 'executive', originalContent: ['a'] })
    expect(asked).toMatchObject({
      processingStatus: 'pending',
      originalContent: ['a'],
      stylePreferences: {},
      overallConfidence: 0,
      enhancedContent: null,
      attempts: 0,
    })
  })

  test.each<[string, object, string]>([
    ['another tone', { tonePreset: 'loud', originalContent: {} }, 'tonePreset'],
    ['no content', { tonePreset: 'creative' }, 'originalContent'],
    ['null for content', { tonePreset: 'creative', originalContent: null }, 'originalContent'],
    [
      'a state of its own',
      { tonePreset: 'creative', originalContent: {}, processingStatus: 'completed' },
      'processingStatus',
    ],
    ['a NUL in its content', { tonePreset: 'creative', originalContent: { a: '\0' } }, 'originalContent'],
  ])('is refused with %s, and nothing is written', async (_, input, path) => {
    const { scope } = await customer(place)
    await expect(scope.enhancements.request(input as never)).rejects.toMatchObject({
      code: 'TENANTRY_VALIDATION',
      issues: [{ path }],
    })
    expect(await scope.enhancements.count()).toBe(0)
  })

  test('of a resume that is another’s is refused like one of a missing resume', async () => {
    const [ann, ben] = [await customer(place), await customer(place)]
    const resume = await ann.scope.resumes.create({})
    const refusal = (resumeId: string) =>
      ben.scope.enhancements
        .request({ resumeId, tonePreset: 'creative', originalContent: {} })
        .catch((error: { toJSON(): unknown }) => error.toJSON())
    expect(await refusal(resume.id)).toMatchObject({ code: 'TENANTRY_FOREIGN_KEY' })
    expect(await refusal(resume.id)).toEqual(await refusal(NOBODY))
  })

  test('is completed once, with its suggestions, by the worker who has it', async () => {
    const of = await customer(place)
    const claim = await claimed(of)
    const made = await of.service.enhancements.complete(claim, { ...RESULT, suggestions: [suggestion(0.5)] })
    expect(made).toMatchObject([
      { userId: of.userId, requestId: claim.id, confidence: 0.5, userAction: 'pending' },
    ])
    expect(await of.scope.enhancements.get(claim.id)).toMatchObject({
      ...RESULT,
      processingStatus: 'completed',
      completedAt: expect.any(Date),
    })
    const again = { ...RESULT, suggestions: [suggestion(0.5), suggestion(0.6)] }
    expect(await of.service.enhancements.complete(claim, again)).toEqual(made)
    await expect(of.service.enhancements.complete({ ...claim, token: NOBODY }, RESULT)).rejects.toMatchObject(
      { code: 'TENANTRY_STALE_TRANSITION' },
    )
    expect(await of.scope.suggestions.count()).toBe(1)
  })

  test('keeps nothing of a result that is wrong', async () => {
    const of = await customer(place)
    const claim = await claimed(of)
    await expect(
      of.service.enhancements.complete(claim, { ...RESULT, suggestions: [suggestion(2)] }),
    ).rejects.toMatchObject({ code: 'TENANTRY_VALIDATION', issues: [{ path: 'suggestions.0.confidence' }] })
    expect(await of.scope.enhancements.get(claim.id)).toMatchObject({ processingStatus: 'processing' })
    expect(await of.scope.suggestions.count()).toBe(0)
  })

  test('that fails waits to be tried again, keeps what it cost, and is given up at once if it must be', async () => {
    const of = await customer(place)
    const claim = await claimed(of)
    expect(await of.service.enhancements.fail(claim, { errorMessage: 'no answer', tokenUsage: 5 })).toBe(
      'retried',
    )
    expect(await of.scope.enhancements.get(claim.id)).toMatchObject({
      processingStatus: 'pending',
      errorMessage: 'no answer',
      tokenUsage: 5,
    })
    const other = await claimed(of)
    expect(await of.service.enhancements.fail(other, { errorMessage: 'unreadable' }, { final: true })).toBe(
      'failed',
    )
    expect(await of.service.enhancements.retry(other.id)).toMatchObject({ processingStatus: 'pending' })
    await expect(of.service.enhancements.retry(other.id)).rejects.toMatchObject({
      code: 'TENANTRY_STALE_TRANSITION',
    })
    await expect(of.service.enhancements.retry(NOBODY)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
  })

  test('is renewed by its holder alone', async () => {
    const of = await customer(place)
    const claim = await claimed(of)
    await of.service.enhancements.renew(claim)
    await expect(of.service.enhancements.renew({ ...claim, token: NOBODY })).rejects.toMatchObject({
      code: 'TENANTRY_STALE_TRANSITION',
    })
  })

  test('is no customer’s to claim, finish or fail, by verb or raw SQL', async () => {
    const of = await customer(place)
    const claim = await claimed(of)
    const { enhancements } = of.scope
    const attempts: (() => Promise<unknown>)[] = [
      () => enhancements.claim(),
      () => enhancements.renew(claim),
      () => enhancements.complete(claim, RESULT),
      () => enhancements.fail(claim, { errorMessage: 'x' }),
      () => enhancements.retry(claim.id),
      () => enhancements.remove(claim.id),
      () => place.rowsAs(of.userId, `update enhancement_requests set processing_status = 'completed'`),
      () => place.rowsAs(of.userId, `update enhancement_requests set token_usage = 0`),
      () =>
        place.rowsAs(
          of.userId,
          `insert into enhancement_requests (user_id, tone_preset, original_content, processing_status)
           values ($1, 'creative', '{}', 'completed')`,
          [of.userId],
        ),
    ]
    for (const attempt of attempts) {
      await expect(attempt(), attempt.toString()).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
    expect(await enhancements.get(claim.id)).toMatchObject({ processingStatus: 'processing' })
  })
})

describe.each([
  [
    'enhancement_requests',
    'processing_status',
    `'creative', '{}'`,
    'tone_preset, original_content',
    enhancementClaims as Claims<PgTable, string>,
  ],
  ['exports', 'status', `'pdf', 'modern'`, 'format, template', exportClaims as Claims<PgTable, string>],
] as const)('the states of %s', (table, column, values, columns, claims) => {
  test('are entered and left by claims, and by no other statement, whoever sends it', async () => {
    const { userId } = await customer(place)
    const make = async (state: string): Promise<string> => {
      const [row] = await place.rows<{ id: string }>(
        `insert into ${table} (user_id, ${columns}) values ($1, ${values}) returning id`,
        [userId],
      )
      const id = row?.id ?? ''
      if (state === 'pending') return id
      const executor = serviceExecutor(place.database)
      const { claims: taken } = await claims.claim(executor, { limit: 100 })
      const claim = taken.find((each) => each.id === id)
      if (claim === undefined) throw new Error('not claimed')
      if (state === 'completed') await claims.finish(executor, claim)
      if (state === 'failed') await claims.fail(executor, claim, 'no', { final: true })
      return id
    }
    const legal: string[] = []
    for (const from of REQUEST_STATUSES) {
      const id = await make(from)
      for (const to of REQUEST_STATUSES.filter((state) => state !== from)) {
        for (const run of [place.rows, place.rowsAsService]) {
          const outcome = await run(`update ${table} set ${column} = $2 where id = $1 returning id`, [
            id,
            to,
          ]).then(
            () => 'done',
            (error: { code: string }) => error.code,
          )
          if (outcome === 'done') {
            legal.push(`${from} → ${to}`)
            break
          }
          expect(outcome, `${from} → ${to}`).toBe('TENANTRY_STALE_TRANSITION')
        }
      }
    }
    // The one step by hand.
    expect(legal).toEqual(['failed → pending'])
    for (const state of ['processing', 'completed', 'failed']) {
      await expect(
        place.rows(
          `insert into ${table} (user_id, ${columns}, ${column}) values ($1, ${values}, '${state}')`,
          [userId],
        ),
      ).rejects.toMatchObject({ code: 'TENANTRY_STALE_TRANSITION' })
    }
  })
})

describe('a suggestion', () => {
  test('is decided once: accepted, rejected, or worded anew', async () => {
    const of = await customer(place)
    const [a, b, c] = (await enhanced(of, [0.9, 0.8, 0.7])).map(({ id }) => id)
    if (a === undefined || b === undefined || c === undefined) throw new Error('no suggestions')
    const { suggestions } = of.scope
    expect(await suggestions.accept(a)).toMatchObject({ userAction: 'accepted', appliedAt: expect.any(Date) })
    expect(await suggestions.reject(b)).toMatchObject({ userAction: 'rejected', appliedAt: null })
    expect(await suggestions.modify(c, { userModifiedText: 'mine' })).toMatchObject({
      userAction: 'modified',
      userModifiedText: 'mine',
      appliedAt: expect.any(Date),
    })
    for (const decide of [
      () => suggestions.reject(a),
      () => suggestions.accept(b),
      () => suggestions.modify(c, { userModifiedText: 'again' }),
    ]) {
      await expect(decide()).rejects.toMatchObject({ code: 'TENANTRY_STALE_TRANSITION' })
    }
    await expect(suggestions.modify(a, { userModifiedText: ' ' })).rejects.toMatchObject({
      code: 'TENANTRY_VALIDATION',
      issues: [{ path: 'userModifiedText' }],
    })
  })

  test('of another customer is a missing one', async () => {
    const [ann, ben] = [await customer(place), await customer(place)]
    const [made] = await enhanced(ann)
    for (const id of [made?.id ?? '', NOBODY]) {
      await expect(ben.scope.suggestions.accept(id)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    }
    expect(await ben.scope.suggestions.acceptAll(made?.requestId ?? '')).toEqual([])
    expect(await ann.scope.suggestions.get(made?.id ?? '')).toMatchObject({ userAction: 'pending' })
  })

  test('is accepted with all others from a confidence up, but for those that were decided', async () => {
    const of = await customer(place)
    const made = await enhanced(of, [0.9, 0.5, 0.95])
    await of.scope.suggestions.reject(made[2]?.id ?? '')
    const accepted = await of.scope.suggestions.acceptAll(made[0]?.requestId ?? '', { minConfidence: 0.6 })
    expect(accepted.map(({ id }) => id)).toEqual([made[0]?.id])
    expect(await of.scope.suggestions.count({ where: { userAction: 'pending' } })).toBe(1)
  })

  test('takes no illegal step by raw SQL, and begins nowhere else than pending', async () => {
    const of = await premium(place)
    const legal = ['pending → accepted', 'pending → rejected', 'pending → modified']
    for (const from of USER_ACTIONS) {
      for (const to of USER_ACTIONS.filter((action) => action !== from)) {
        const [made] = await enhanced(of)
        const set = (action: string) =>
          place.rowsAs(
            of.userId,
            `update enhancement_suggestions set user_action = $2, user_modified_text = 'x' where id = $1`,
            [made?.id, action],
          )
        if (from !== 'pending') await set(from)
        if (legal.includes(`${from} → ${to}`)) await set(to)
        else
          await expect(set(to), `${from} → ${to}`).rejects.toMatchObject({
            code: 'TENANTRY_STALE_TRANSITION',
          })
      }
    }
    const [made] = await enhanced(of)
    await expect(
      place.rows(
        `insert into enhancement_suggestions (user_id, request_id, section_type, section_id, field_path, original_text,
           suggested_text, improvement_type, user_action) values ($1, $2, 'a', 'b', 'c', 'd', 'e', 'f', 'accepted')`,
        [of.userId, made?.requestId],
      ),
    ).rejects.toMatchObject({ code: 'TENANTRY_STALE_TRANSITION' })
    await expect(
      place.rowsAs(of.userId, `update enhancement_suggestions set user_action = 'modified' where id = $1`, [
        made?.id,
      ]),
    ).rejects.toMatchObject({ code: 'TENANTRY_CHECK' })
    await expect(
      place.rowsAs(of.userId, `update enhancement_suggestions set applied_at = now() where id = $1`, [
        made?.id,
      ]),
    ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
  })
})

describe('an export', () => {
  test('is asked for in the resume’s template unless another is named, made, and there for a day', async () => {
    const { scope, service, userId } = await customer(place)
    const resume = await scope.resumes.create({ template: 'classic', data: resumeData() })
    const plain = await scope.exports.request({ resumeId: resume.id })
    expect(plain).toMatchObject({ format: 'pdf', template: 'classic', status: 'pending' })
    expect(
      await scope.exports.request({ resumeId: resume.id, format: 'docx', template: 'bold' }),
    ).toMatchObject({
      format: 'docx',
      template: 'bold',
    })
    await expect(scope.exports.file(plain.id)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    const { claims } = await service.exports.claim({ limit: 10 })
    const claim = claims.find(({ id }) => id === plain.id)
    if (claim === undefined) throw new Error('not claimed')
    const file = { storagePath: `${userId}/${plain.id}.pdf`, fileSizeBytes: 100 }
    await service.exports.complete(claim, file)
    expect(await scope.exports.file(plain.id)).toMatchObject(file)
    expect(
      await place.rows(
        `select expires_at between completed_at + interval '23 hours' and completed_at + interval '25 hours' as day from exports where id = $1`,
        [plain.id],
      ),
    ).toEqual([{ day: true }])
    await place.rows(`update exports set expires_at = now() where id = $1`, [plain.id])
    await service.exports.complete(claim, file)
    await expect(scope.exports.file(plain.id)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
  })

  test('of a resume that is removed or another’s is refused, and nothing is written', async () => {
    const [ann, ben] = [await customer(place), await customer(place)]
    const resume = await ann.scope.resumes.create({})
    await expect(ben.scope.exports.request({ resumeId: resume.id })).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
    await ann.scope.resumes.remove(resume.id)
    await expect(ann.scope.exports.request({ resumeId: resume.id })).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
    await expect(
      ann.scope.exports.request({ resumeId: resume.id, format: 'exe' as never }),
    ).rejects.toMatchObject({ code: 'TENANTRY_VALIDATION', issues: [{ path: 'format' }] })
    expect(await ann.scope.exports.count()).toBe(0)
  })

  test('is given up after the third failure, and starts anew by hand', async () => {
    const { scope, service } = await customer(place)
    const resume = await scope.resumes.create({})
    const { id } = await scope.exports.request({ resumeId: resume.id })
    const outcomes: string[] = []
    for (let attempt = 0; attempt < 3; attempt += 1) {
      await place.rows('update exports set available_at = now() where id = $1', [id])
      const { claims } = await service.exports.claim({ limit: 50 })
      const claim = claims.find((each) => each.id === id)
      if (claim === undefined) throw new Error('not claimed')
      outcomes.push(await service.exports.fail(claim, 'no fonts'))
    }
    expect(outcomes).toEqual(['retried', 'retried', 'failed'])
    expect(await scope.exports.get(id)).toMatchObject({
      status: 'failed',
      errorMessage: 'no fonts',
      attempts: 3,
    })
    expect(await service.exports.retry(id)).toMatchObject({ status: 'pending' })
  })
})

describeOnServer('several workers at once', () => {
  test('get each request once', async () => {
    const of = await premium(place)
    for (let n = 0; n < 40; n += 1) {
      await of.scope.enhancements.request({ tonePreset: 'creative', originalContent: { n } })
    }
    const taken = await Promise.all(
      Array.from({ length: 8 }, async () => {
        const ids: string[] = []
        for (;;) {
          const { claims } = await of.service.enhancements.claim({ limit: 3 })
          if (claims.length === 0) return ids
          ids.push(...claims.map(({ id }) => id))
        }
      }),
    )
    const ids = taken.flat()
    expect(ids).toHaveLength(40)
    expect(new Set(ids).size).toBe(40)
  })

  test('and two customers’ clicks: of two decisions on one suggestion one is taken', async () => {
    const of = await customer(place)
    for (let round = 0; round < 5; round += 1) {
      const [made] = await enhanced(of)
      const id = made?.id ?? ''
      const outcomes = await Promise.allSettled([
        of.scope.suggestions.accept(id),
        of.scope.suggestions.reject(id),
      ])
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    }
  })
})
