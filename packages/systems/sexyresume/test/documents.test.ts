/** Resumes by the shape of their data, letters and their versions, roles and recommendations. */
import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ResumeData } from '../src/types.ts'
import { customer, embedding, NOBODY, type Place, placeOf, resumeData } from './support/place.ts'

let place: Place
beforeAll(async () => {
  place = await placeOf()
})
afterAll(() => place?.close())

describe('a resume', () => {
  test('is begun with nothing, filled with the documented shape, and read as it was written', async () => {
    const { scope } = await customer(place)
    const begun = await scope.resumes.create({})
    expect(begun).toMatchObject({ title: 'My Resume', data: {}, template: 'modern', isActive: true })
    const data = resumeData()
    expect(await scope.resumes.update(begun.id, { data })).toMatchObject({ data })
    expect((await scope.resumes.get(begun.id)).data).toEqual(data)
  })

  const broken = (change: (data: ResumeData) => void): unknown => {
    const data = structuredClone(resumeData())
    change(data)
    return data
  }
  test.each<[string, unknown, string]>([
    ['a part missing', { personalInfo: resumeData().personalInfo }, 'data.experience'],
    ['an unknown part', { ...resumeData(), hobbies: [] }, 'data.hobbies'],
    [
      'a day for a month',
      broken((data) => Object.assign(data.experience[0] ?? {}, { startDate: '2020-02-01' })),
      'data.experience.0.startDate',
    ],
    [
      'a thirteenth month',
      broken((data) => Object.assign(data.education[0] ?? {}, { startDate: '2020-13' })),
      'data.education.0.startDate',
    ],
    [
      'an end before its start',
      broken((data) => Object.assign(data.education[0] ?? {}, { endDate: '2010-01' })),
      'data.education.0.endDate',
    ],
    [
      'no end of a position that is over',
      broken((data) => Object.assign(data.experience[0] ?? {}, { current: false })),
      'data.experience.0.endDate',
    ],
    [
      'a level not on the list',
      broken((data) => Object.assign(data.skills[0] ?? {}, { level: 'Guru' })),
      'data.skills.0.level',
    ],
    [
      'no e-mail address for one',
      broken((data) => Object.assign(data.personalInfo, { email: 'ann' })),
      'data.personalInfo.email',
    ],
    [
      'a script for an address',
      broken((data) => Object.assign(data.personalInfo, { website: 'javascript:alert(1)' })),
      'data.personalInfo.website',
    ],
    ['an id twice', broken((data) => Object.assign(data.skills[1] ?? {}, { id: 's0' })), 'data.skills'],
    ['a NUL', broken((data) => Object.assign(data.personalInfo, { summary: 'a\0b' })), 'data'],
    ['a list for an object', [], 'data'],
    ['null', null, 'data'],
  ])('is refused with %s, and nothing is written', async (_, data, path) => {
    const { scope } = await customer(place)
    await expect(scope.resumes.create({ data: data as never })).rejects.toMatchObject({
      code: 'TENANTRY_VALIDATION',
      issues: expect.arrayContaining([expect.objectContaining({ path })]),
    })
    expect(await scope.resumes.count()).toBe(0)
    const { id } = await scope.resumes.create({})
    await expect(scope.resumes.update(id, { data: data as never })).rejects.toMatchObject({
      code: 'TENANTRY_VALIDATION',
    })
    expect(await scope.resumes.get(id)).toMatchObject({ data: {} })
  })

  test('is copied, removed and brought back by its owner', async () => {
    const [ann, ben] = [await customer(place), await customer(place)]
    const resume = await ann.scope.resumes.create({ title: 'A', data: resumeData(), template: 'classic' })
    const copy = await ann.scope.resumes.duplicate(resume.id)
    expect(copy).toMatchObject({ title: 'A (copy)', data: resume.data, template: 'classic' })
    expect(copy.id).not.toBe(resume.id)
    expect(await ann.scope.resumes.duplicate(resume.id, { title: 'B' })).toMatchObject({ title: 'B' })
    await expect(ben.scope.resumes.duplicate(resume.id)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    await ann.scope.resumes.remove(resume.id)
    await expect(ann.scope.resumes.duplicate(resume.id)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    expect(await ann.scope.resumes.count()).toBe(2)
    expect(await ann.scope.users.dashboard()).toMatchObject({ resumeCount: 2 })
    expect(await ann.scope.resumes.restore(resume.id)).toMatchObject({ deletedAt: null })
    expect(
      await place.rowsAs(ben.userId, 'delete from resumes').catch((error: { code: string }) => error.code),
    ).toBe('TENANTRY_ISOLATION')
  })
})

describe('a cover letter', () => {
  test('keeps every text that it had, numbered without gaps, and goes back to any of them', async () => {
    const { scope } = await customer(place)
    const letter = await scope.coverLetters.create({ companyName: 'Acme' })
    for (const content of ['one', 'two']) await scope.coverLetters.saveDraft(letter.id, { content })
    expect(await scope.coverLetters.restoreDraft(letter.id, 1)).toMatchObject({ version: 3, content: 'one' })
    const { items } = await scope.coverLetterDrafts.list({ where: { coverLetterId: letter.id } })
    expect(items.map(({ version, content }) => [version, content])).toEqual([
      [3, 'one'],
      [2, 'two'],
      [1, 'one'],
    ])
    expect(await scope.coverLetters.get(letter.id)).toMatchObject({ content: 'one', currentVersion: 3 })
    await expect(scope.coverLetters.restoreDraft(letter.id, 9)).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
    await expect(scope.coverLetters.update(letter.id, { content: 'x' } as never)).rejects.toMatchObject({
      code: 'TENANTRY_VALIDATION',
    })
    await expect(
      place.rowsAs((await customer(place)).userId, `update cover_letter_drafts set content = 'x'`),
    ).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
  })

  test('of another customer, or removed, gets no draft', async () => {
    const [ann, ben] = [await customer(place), await customer(place)]
    const letter = await ann.scope.coverLetters.create({})
    await ann.scope.coverLetters.saveDraft(letter.id, { content: 'one' })
    for (const save of [
      () => ben.scope.coverLetters.saveDraft(letter.id, { content: 'x' }),
      () => ben.scope.coverLetters.restoreDraft(letter.id, 1),
      () => ben.scope.coverLetters.saveDraft(NOBODY, { content: 'x' }),
    ]) {
      await expect(save()).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    }
    await ann.scope.coverLetters.remove(letter.id)
    await expect(ann.scope.coverLetters.saveDraft(letter.id, { content: 'x' })).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
    expect(await ann.scope.coverLetterDrafts.count()).toBe(1)
  })

  test('stays when its resume is deleted for good', async () => {
    const { scope, userId } = await customer(place)
    const resume = await scope.resumes.create({})
    const letter = await scope.coverLetters.create({ resumeId: resume.id })
    const file = await scope.exports.request({ resumeId: resume.id })
    await place.rows('delete from resumes where id = $1', [resume.id])
    expect(await scope.coverLetters.get(letter.id)).toMatchObject({ userId, resumeId: null })
    expect(await scope.exports.get(file.id)).toMatchObject({ userId, resumeId: null })
  })

  describeOnServer('saved by several at once', () => {
    test('has each text once, in versions without gaps', async () => {
      const { scope } = await customer(place)
      const letter = await scope.coverLetters.create({})
      await Promise.all(
        Array.from({ length: 12 }, (_, n) =>
          scope.coverLetters.saveDraft(letter.id, { content: `text ${n}` }),
        ),
      )
      const { items } = await scope.coverLetterDrafts.list({ limit: 50 })
      expect(items.map(({ version }) => version).toSorted((a, b) => a - b)).toEqual(
        Array.from({ length: 12 }, (_, n) => n + 1),
      )
      const { content } = await scope.coverLetters.get(letter.id)
      expect(items.find(({ version }) => version === 12)?.content).toBe(content)
    })
  })
})

describe('roles', () => {
  const role = (title: string, axis: number | null, skills: readonly string[] = []) => ({
    title,
    industryCategory: 'software',
    seniorityLevel: 'mid' as const,
    requiredSkills: [...skills],
    embedding: axis === null ? null : embedding(axis),
  })

  test('are the service role’s to write and everybody’s to read', async () => {
    const { scope, userId } = await customer(place)
    const made = await place.service.jobRoles.define(role('  Senior Front-End  Engineer (C++)', 700))
    expect(made).toMatchObject({ normalizedTitle: 'senior front end engineer c++', popularityScore: 0 })
    expect(await scope.jobRoles.get(made.id)).toEqual(made)
    expect(await place.service.jobRoles.update(made.id, { title: 'Cook' })).toMatchObject({
      normalizedTitle: 'cook',
    })
    await expect(scope.jobRoles.define(role('x', 1))).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    await expect(scope.jobRoles.remove(made.id)).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    expect(await place.rowsAs(userId, 'select title from job_roles where id = $1', [made.id])).toEqual([
      { title: 'Cook' },
    ])
    await place.service.jobRoles.remove(made.id)
  })

  test.each<[string, object, string]>([
    ['a level not on the list', { seniorityLevel: 'guru' }, '0.seniorityLevel'],
    ['a vector of another dimension', { embedding: [1, 2] }, '0.embedding'],
    ['a vector without direction', { embedding: Array(1536).fill(0) }, '0.embedding'],
    ['a salary that ends before it begins', { salaryRangeMin: 2, salaryRangeMax: 1 }, '0.salaryRangeMax'],
    ['no title', { title: ' ' }, '0.title'],
    ['a score of its own', { popularityScore: 1 }, '0.popularityScore'],
  ])('are refused with %s, and none is written', async (_, wrong, path) => {
    const before = await place.service.jobRoles.count()
    await expect(
      place.service.jobRoles.defineMany([{ ...role('x', 1), ...wrong } as never, role('y', 2)]),
    ).rejects.toMatchObject({
      code: 'TENANTRY_VALIDATION',
      issues: expect.arrayContaining([expect.objectContaining({ path })]),
    })
    expect(await place.service.jobRoles.count()).toBe(before)
  })

  test('are matched by the nearness of their embeddings, the nearest first, for customers and the service role alike', async () => {
    const { scope } = await customer(place)
    const roles = await place.service.jobRoles.defineMany([
      role('near', 11),
      role('far', 900),
      role('none', null),
    ])
    for (const { jobRoles } of [scope, place.service]) {
      const matched = await jobRoles.match(embedding(11, 0.1), { limit: 200 })
      expect(matched[0]).toMatchObject({ title: 'near', distance: expect.closeTo(0.005, 3) })
      expect(matched.map(({ title }) => title)).not.toContain('none')
      expect(matched.map(({ distance }) => distance)).toEqual(
        matched.map(({ distance }) => distance).toSorted((a, b) => a - b),
      )
      expect(await jobRoles.match(embedding(11), { limit: 1 })).toHaveLength(1)
    }
    await expect(scope.jobRoles.match([1, 2, 3])).rejects.toMatchObject({ code: 'TENANTRY_VALIDATION' })
    await expect(scope.jobRoles.match(embedding(1), { limit: 0 })).rejects.toMatchObject({
      code: 'TENANTRY_VALIDATION',
    })
    for (const { id } of roles) await place.service.jobRoles.remove(id)
  })

  test('get their embeddings in a batch, all of them or none, and are found by them', async () => {
    const { scope } = await customer(place)
    const roles = await place.service.jobRoles.defineMany([role('a', null), role('b', null)])
    const [a, b] = roles.map(({ id }) => id)
    if (a === undefined || b === undefined) throw new Error('no roles')
    const { jobRoles } = place.service
    const wrong: readonly [Parameters<typeof jobRoles.embed>[0], string][] = [
      [
        [
          { id: a, embedding: embedding(71) },
          { id: NOBODY, embedding: embedding(72) },
        ],
        'TENANTRY_NOT_FOUND',
      ],
      [
        [
          { id: a, embedding: embedding(71) },
          { id: a, embedding: embedding(72) },
        ],
        'TENANTRY_VALIDATION',
      ],
      [[{ id: a, embedding: [1, 2] }], 'TENANTRY_VALIDATION'],
      [[], 'TENANTRY_VALIDATION'],
    ]
    for (const [given, code] of wrong) await expect(jobRoles.embed(given)).rejects.toMatchObject({ code })
    expect((await jobRoles.get(a)).embedding).toBeNull()
    const given = [
      { id: a, embedding: embedding(71) },
      { id: b, embedding: embedding(72) },
    ]
    await expect(scope.jobRoles.embed(given)).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    await jobRoles.embed(given)
    for (const [axis, id] of [
      [71, a],
      [72, b],
    ] as const) {
      expect(await scope.jobRoles.match(embedding(axis), { limit: 1 })).toMatchObject([{ id, distance: 0 }])
    }
    for (const { id } of roles) await jobRoles.remove(id)
  })

  test('are recommended with skills and gaps, anew each time, but for those that were answered', async () => {
    const { scope } = await customer(place)
    const roles = await place.service.jobRoles.defineMany([
      role('Backend', 21, ['TypeScript', 'Go', 'SQL']),
      role('Frontend', 22, ['CSS']),
      role('Other', 23),
    ])
    const [backend, frontend] = roles
    const resume = await scope.resumes.create({ data: resumeData(['typescript', 'css']) })
    const ask = { resumeId: resume.id, embedding: embedding(21, 0.9), limit: 2 }
    const first = await scope.recommendations.recommend(ask)
    expect(first).toMatchObject([
      {
        jobRoleId: backend?.id,
        // 1 / √1.81 and 0.9 / √1.81
        matchScore: 0.74,
        confidenceLevel: 'high',
        reasoning: 'Similarity 0.74; 1 of 3 required skills',
        matchedSkills: ['TypeScript'],
        skillGaps: ['Go', 'SQL'],
        recommendedTemplate: null,
      },
      {
        jobRoleId: frontend?.id,
        matchScore: 0.67,
        confidenceLevel: 'medium',
        matchedSkills: ['CSS'],
        skillGaps: [],
      },
    ])
    await scope.recommendations.feedback(first[0]?.id ?? '', {
      userFeedback: 'hired',
      feedbackNotes: 'Thanks',
    })
    const second = await scope.recommendations.recommend(ask)
    expect(second.map(({ jobRoleId }) => jobRoleId)).not.toContain(backend?.id)
    expect(second).toHaveLength(2)
    expect(await scope.recommendations.count()).toBe(3)
    expect(await scope.recommendations.feedback(first[0]?.id ?? '', { userFeedback: null })).toMatchObject({
      userFeedback: null,
      feedbackNotes: 'Thanks',
    })
  })

  test('are recommended by a host’s own matcher too, within bounds', async () => {
    const { scope, userId } = await customer(place)
    const made = await place.service.jobRoles.define(role('Own', 31))
    const own = {
      jobRoleId: made.id,
      matchScore: 0.456,
      confidenceLevel: 'low' as const,
      reasoning: 'Because',
    }
    expect(await scope.recommendations.create(own)).toMatchObject({ matchScore: 0.46 })
    await expect(scope.recommendations.create({ ...own, matchScore: 1.01 })).rejects.toMatchObject({
      code: 'TENANTRY_VALIDATION',
    })
    await expect(scope.recommendations.create({ ...own, jobRoleId: NOBODY })).rejects.toMatchObject({
      code: 'TENANTRY_FOREIGN_KEY',
    })
    await expect(
      place.rows(
        `insert into role_recommendations (user_id, job_role_id, match_score, confidence_level, reasoning)
         values ($1, $2, 1.01, 'low', 'x')`,
        [userId, made.id],
      ),
    ).rejects.toMatchObject({ code: 'TENANTRY_CHECK' })
  })

  test('are recommended for a customer’s own resume alone, and answered by its owner', async () => {
    const [ann, ben] = [await customer(place), await customer(place)]
    await place.service.jobRoles.define(role('Any', 41))
    const resume = await ann.scope.resumes.create({})
    for (const resumeId of [resume.id, NOBODY]) {
      await expect(
        ben.scope.recommendations.recommend({ resumeId, embedding: embedding(41) }),
      ).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    }
    const [made] = await ann.scope.recommendations.recommend({
      resumeId: resume.id,
      embedding: embedding(41),
      limit: 1,
    })
    await expect(
      ben.scope.recommendations.feedback(made?.id ?? '', { userFeedback: 'hired' }),
    ).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    await expect(
      ann.scope.recommendations.feedback(made?.id ?? '', { userFeedback: 'maybe' as never }),
    ).rejects.toMatchObject({ code: 'TENANTRY_VALIDATION', issues: [{ path: 'userFeedback' }] })
  })
})
