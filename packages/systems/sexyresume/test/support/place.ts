/** A migrated database with SexyResume on it, and customers to try it with. */
import type { Answer } from '@tenantry/core'
import { createTestSystem, type RowDefaults } from '@tenantry/testing'
import { sexyresume } from '../../src/index.ts'
import { EMBEDDING_DIMENSIONS, type ResumeData } from '../../src/types.ts'

type Plain = Record<string, unknown>

/** What rows are like where their columns don't tell. */
export const ROWS: RowDefaults<typeof sexyresume.definition.schema> = {
  users: (n) => ({ email: `made-${process.pid}-${n}@example.com` }),
  paymentReceipts: () => ({ currency: 'usd' }),
  userSessions: (n) => ({
    ipAddress: '203.0.113.7',
    tokenHash: `hash-${process.pid}-${n}`.padEnd(40, 'x'),
  }),
  enhancementRequests: () => ({ originalContent: { text: 'x' } }),
  auditLogs: () => ({ ipAddress: '203.0.113.7' }),
  analyticsEvents: () => ({ timestamp: new Date() }),
  roleRecommendations: () => ({ matchScore: 0.5 }),
  achievementDefinitions: () => ({ criteria: { event: 'never' } }),
  conversionFunnels: () => ({ steps: [] }),
  cohortAnalysis: () => ({ userCount: 1, retainedUsers: 1, retentionRate: 100 }),
}

export async function placeOf() {
  const created = await createTestSystem(sexyresume, { rows: ROWS })
  const { database, system } = created
  return {
    ...created,
    service: system.asService(),
    /** A statement of a customer's own, as PostgREST would run it. */
    rowsAs: (userId: string, text: string, params?: readonly unknown[]) =>
      created.rowsAs({ userId }, text, params),
    /** As the service role, which workers and webhooks have. */
    async rowsAsService(text: string, params: readonly unknown[] = []): Promise<Plain[]> {
      return database.driver.transaction(
        { preamble: [{ text: `select set_config('role', 'tenantry_service', true)`, params: [] }] },
        async (connection) => objects(await connection.query({ text, params })),
      )
    },
  }
}

export type Place = Awaited<ReturnType<typeof placeOf>>

function objects<T extends object>(answer: Answer): T[] {
  return answer.rows.map(
    (row) => Object.fromEntries(answer.columns.map((column, at) => [column, row[at]])) as T,
  )
}

let signedUp = 0

/** A customer of their own for one test. */
export async function customer({ system }: Pick<Place, 'system'>, id?: string) {
  signedUp += 1
  const { user } = await system.asService().users.signUp({
    email: `customer-${process.pid}-${signedUp}@example.com`,
    fullName: 'Ann Example',
    ...(id === undefined ? {} : { id }),
  })
  const userId = user.id
  return { userId, user, scope: system.as({ userId }), service: system.asService().tenant(userId) }
}

export type Customer = Awaited<ReturnType<typeof customer>>

/** A customer whose plan has no limit. */
export async function premium(place: Pick<Place, 'system'>) {
  const made = await customer(place)
  await made.service.entitlements.grant({ plan: 'premium' })
  return made
}

/** A customer who reads everybody's rows. */
export async function admin(place: Pick<Place, 'system'>) {
  const made = await customer(place)
  await made.service.admins.promote()
  return made
}

export function resumeData(skills: readonly string[] = ['TypeScript', 'SQL']): ResumeData {
  return {
    personalInfo: {
      fullName: 'Ann Example',
      email: 'ann@example.com',
      phone: '',
      location: 'Berlin',
      website: 'https://example.com',
      summary: 'Builds things.',
    },
    experience: [
      {
        id: 'e1',
        company: 'Acme',
        position: 'Engineer',
        startDate: '2020-02',
        endDate: '',
        current: true,
        description: '',
        achievements: ['Shipped'],
      },
    ],
    education: [
      {
        id: 'd1',
        institution: 'University',
        degree: 'BSc',
        field: 'Physics',
        startDate: '2016-10',
        endDate: '2019-09',
      },
    ],
    skills: skills.map((name, index) => ({
      id: `s${index}`,
      name,
      level: 'Advanced',
      category: 'Technical',
    })),
    projects: [],
  }
}

/** A vector that points mostly along one axis; embeddings of the same axis are near each other. */
export function embedding(axis: number, lean = 0): number[] {
  const values = Array.from({ length: EMBEDDING_DIMENSIONS }, () => 0)
  values[axis] = 1
  values[axis + 1] = lean
  return values
}

/** A request that a worker has claimed. */
export async function claimed({ scope, service }: Customer) {
  const request = await scope.enhancements.request({
    tonePreset: 'technical',
    originalContent: { text: 'old' },
  })
  const { claims } = await service.enhancements.claim({ limit: 50 })
  const claim = claims.find(({ id }) => id === request.id)
  if (claim === undefined) throw new Error('the request was not claimed')
  return claim
}

export const suggestion = (confidence = 0.9) => ({
  sectionType: 'experience',
  sectionId: 'e1',
  fieldPath: 'description',
  originalText: 'old',
  suggestedText: 'new',
  improvementType: 'clarity',
  confidence,
})

/** A request that came to `confidences.length` suggestions. */
export async function enhanced(of: Customer, confidences: readonly number[] = [0.9]) {
  const claim = await claimed(of)
  return of.service.enhancements.complete(claim, {
    enhancedContent: { text: 'new' },
    overallConfidence: 0.8,
    processingTimeMs: 1200,
    tokenUsage: 345,
    suggestions: confidences.map(suggestion),
  })
}

export const NOBODY = '00000000-0000-4000-8000-000000000000'
