/** What a resume says: the documented shape of `resumes.data`. */
import { filledText, text, webAddress } from '@tenantry/repository/fields'
import { z } from 'zod'
import { SKILL_CATEGORIES, SKILL_LEVELS } from './enums.ts'

const MONTH = /^\d{4}-(?:0[1-9]|1[0-2])$/

/** A month as `YYYY-MM`. */
export const month = z.string().regex(MONTH, 'must be a month such as 2026-02')

/** A month, or empty for what hasn't ended. */
const openMonth = z.union([z.literal(''), month], { error: 'must be a month such as 2026-02, or empty' })

/** A key of an entry among its siblings, given by the editor. */
const entryId = filledText(100)
const line = text(500)
const entries = <T extends z.ZodType<{ readonly id: string }>>(entry: T) =>
  z
    .array(entry)
    .max(200)
    .refine((all) => new Set(all.map((each) => each.id)).size === all.length, 'must not hold an id twice')

interface Span {
  readonly startDate: string
  readonly endDate: string
}

/** Months of the form YYYY-MM sort as text does. */
const endsAfterStart = ({ startDate, endDate }: Span): boolean => endDate === '' || endDate >= startDate
const BEFORE_START = { path: ['endDate'], message: 'must not be before startDate' }

export const personalInfo = z.strictObject({
  fullName: line,
  /** Empty, until the customer has filled it in. */
  email: z.union([z.literal(''), z.email()], { error: 'must be an e-mail address, or empty' }),
  phone: line,
  location: line,
  linkedin: webAddress().optional(),
  website: webAddress().optional(),
  summary: text(),
})

export const experienceEntry = z
  .strictObject({
    id: entryId,
    company: line,
    position: line,
    startDate: month,
    /** Empty while the position is current, and only then. */
    endDate: openMonth,
    current: z.boolean(),
    description: text(),
    achievements: z.array(text()).max(100),
  })
  .refine(endsAfterStart, BEFORE_START)
  .refine(({ current, endDate }) => current || endDate !== '', {
    path: ['endDate'],
    message: 'must be given unless the position is current',
  })

export const educationEntry = z
  .strictObject({
    id: entryId,
    institution: line,
    degree: line,
    field: line,
    startDate: month,
    endDate: openMonth,
    gpa: line.optional(),
    honors: line.optional(),
  })
  .refine(endsAfterStart, BEFORE_START)

export const skillEntry = z.strictObject({
  id: entryId,
  name: filledText(200),
  level: z.enum(SKILL_LEVELS),
  category: z.enum(SKILL_CATEGORIES),
})

export const projectEntry = z
  .strictObject({
    id: entryId,
    name: line,
    description: text(),
    technologies: z.array(line).max(100),
    url: webAddress().optional(),
    startDate: month,
    endDate: openMonth,
  })
  .refine(endsAfterStart, BEFORE_START)

export const resumeData = z.strictObject({
  personalInfo,
  experience: entries(experienceEntry),
  education: entries(educationEntry),
  skills: entries(skillEntry),
  projects: entries(projectEntry),
})

export type ResumeData = z.infer<typeof resumeData>
/** What a row holds: a resume that was just begun has nothing yet. */
export type StoredResumeData = ResumeData | Record<string, never>

/** Whether there is anything in it yet. */
export function isFilled(data: StoredResumeData): data is ResumeData {
  return 'personalInfo' in data
}
