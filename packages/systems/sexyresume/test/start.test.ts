import { afterAll, beforeAll, expect, test } from 'vitest'
import { customer, embedding, type Place, placeOf, resumeData } from './support/place.ts'

let place: Place
beforeAll(async () => {
  place = await placeOf()
})
afterAll(() => place?.close())

test('the whole job: from sign-up to an exported resume, next to a customer who sees none of it', async () => {
  const { system } = place
  expect((await system.migrate()).applied).toEqual([])
  const [ann, ben] = [await customer(place), await customer(place)]
  const service = system.asService()

  const resume = await ann.scope.resumes.create({ title: 'Engineer', data: resumeData() })
  expect(resume).toMatchObject({ userId: ann.userId, template: 'modern', isActive: true, deletedAt: null })

  // A model writes it better; the customer takes one suggestion, and words the other one anew.
  const asked = await ann.scope.enhancements.request({
    resumeId: resume.id,
    tonePreset: 'professional',
    originalContent: { summary: 'Builds things.' },
  })
  const { claims } = await service.enhancements.claim()
  const [claim] = claims
  if (claim === undefined) throw new Error('nothing was claimed')
  expect(claim).toMatchObject({ id: asked.id, tenant: ann.userId, attempt: 1 })
  const proposed = await service.enhancements.complete(claim, {
    enhancedContent: { summary: 'Ships products.' },
    overallConfidence: 0.87,
    processingTimeMs: 900,
    tokenUsage: 1234,
    suggestions: [
      {
        sectionType: 'personalInfo',
        sectionId: 'summary',
        fieldPath: 'summary',
        originalText: 'Builds things.',
        suggestedText: 'Ships products.',
        improvementType: 'impact',
        confidence: 0.9,
      },
      {
        sectionType: 'experience',
        sectionId: 'e1',
        fieldPath: 'achievements.0',
        originalText: 'Shipped',
        suggestedText: 'Shipped weekly',
        improvementType: 'metrics',
      },
    ],
  })
  const [first, second] = proposed
  if (first === undefined || second === undefined) throw new Error('no suggestions')
  expect(await ann.scope.suggestions.accept(first.id)).toMatchObject({
    userAction: 'accepted',
    appliedAt: expect.any(Date),
  })
  expect(
    await ann.scope.suggestions.modify(second.id, { userModifiedText: 'Shipped every week' }),
  ).toMatchObject({ userAction: 'modified', userModifiedText: 'Shipped every week' })
  expect(await ann.scope.enhancements.get(asked.id)).toMatchObject({
    processingStatus: 'completed',
    overallConfidence: 0.87,
    tokenUsage: 1234,
    completedAt: expect.any(Date),
  })

  // Roles that fit.
  const [engineer] = await service.jobRoles.defineMany([
    {
      title: 'Backend Engineer',
      industryCategory: 'software',
      seniorityLevel: 'mid',
      requiredSkills: ['typescript', 'sql', 'go'],
      embedding: embedding(1),
    },
    { title: 'Nurse', industryCategory: 'health', seniorityLevel: 'mid', embedding: embedding(9) },
  ])
  if (engineer === undefined) throw new Error('no role')
  await service.templateMappings.create({ jobRoleId: engineer.id, template: 'technical', matchScore: 0.9 })
  const [best] = await ann.scope.recommendations.recommend({
    resumeId: resume.id,
    embedding: embedding(1, 0.5),
    limit: 1,
  })
  if (best === undefined) throw new Error('no recommendation')
  expect(best).toMatchObject({
    jobRoleId: engineer.id,
    matchScore: 0.89,
    confidenceLevel: 'very_high',
    matchedSkills: ['typescript', 'sql'],
    skillGaps: ['go'],
    recommendedTemplate: 'technical',
  })
  expect(await ann.scope.recommendations.feedback(best.id, { userFeedback: 'applied' })).toMatchObject({
    userFeedback: 'applied',
  })

  // A letter, in two versions, and back to the first.
  const letter = await ann.scope.coverLetters.create({ resumeId: resume.id, jobTitle: 'Backend Engineer' })
  await ann.scope.coverLetters.saveDraft(letter.id, { content: 'Dear all', author: 'ai' })
  await ann.scope.coverLetters.saveDraft(letter.id, { content: 'Hello' })
  expect(await ann.scope.coverLetters.restoreDraft(letter.id, 1)).toMatchObject({
    version: 3,
    content: 'Dear all',
  })
  expect(await ann.scope.coverLetters.get(letter.id)).toMatchObject({
    content: 'Dear all',
    currentVersion: 3,
  })

  // A file.
  const wanted = await ann.scope.exports.request({ resumeId: resume.id })
  const [file] = (await service.exports.claim()).claims
  if (file === undefined) throw new Error('no export')
  await service.exports.complete(file, { storagePath: `${ann.userId}/${wanted.id}.pdf`, fileSizeBytes: 2048 })
  expect(await ann.scope.exports.file(wanted.id)).toMatchObject({ status: 'completed', fileSizeBytes: 2048 })

  // Credits.
  await ann.service.credits.award({ amount: 5, source: 'welcome' })
  expect(await ann.scope.credits.spend({ amount: 3, source: 'export' })).toBe(2)
  expect(await ann.scope.users.dashboard()).toMatchObject({
    resumeCount: 1,
    exportCount: 1,
    exportUnlocked: false,
    creditBalance: 2,
  })

  for (const name of [
    'resumes',
    'enhancements',
    'suggestions',
    'recommendations',
    'coverLetters',
    'coverLetterDrafts',
    'exports',
    'credits',
    'creditBalances',
  ] as const) {
    expect(await ben.scope[name].count(), name).toBe(0)
    expect(await ann.scope[name].count(), name).toBeGreaterThan(0)
  }
  await expect(ben.scope.resumes.get(resume.id)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
  await expect(ben.scope.exports.file(wanted.id)).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
})
