/** Events, and what is read from them. */
import { filledText, instant, name, storable } from '@tenantry/repository/fields'
import { z } from 'zod'
import { COHORT_PERIODS } from './enums.ts'
import { storableObject } from './fields.ts'

export const funnelStep = z.strictObject({
  /** What events of the funnel call it. */
  step: name(200),
  /** What people call it. */
  name: name(200),
})

/** A way that customers go: each step once, two at least. */
export const funnelInput = z.strictObject({
  funnelName: name(200),
  steps: storable(z.array(funnelStep).min(2).max(50)).refine(
    (steps) => new Set(steps.map(({ step }) => step)).size === steps.length,
    'must not hold a step twice',
  ),
  isActive: z.boolean().default(true),
})

/** Something that happened. Its time is the database's unless it says when. */
export const trackInput = z.strictObject({
  eventName: name(200),
  properties: storableObject.default({}),
  sessionId: filledText(200).nullable().optional(),
  timestamp: instant.optional(),
})

export const funnelStepInput = z.strictObject({
  funnelName: name(200),
  stepName: name(200),
  properties: storableObject.default({}),
  timestamp: instant.optional(),
})

/** Whole UTC days, both included, as `YYYY-MM-DD`. */
export const daysInput = z
  .strictObject({ from: z.iso.date(), to: z.iso.date() })
  .refine(({ from, to }) => from <= to, { path: ['to'], message: 'must not be before from' })

export const monthsBackInput = z.strictObject({ months: z.number().int().min(1).max(120).default(12) })
export const daysBackInput = (days: number) =>
  z.strictObject({ days: z.number().int().min(1).max(3660).default(days) })

/** Which cohorts to compute: those that began in the last `cohorts` periods, the current one included. */
export const computeCohortsInput = z.strictObject({
  period: z.enum(COHORT_PERIODS),
  cohorts: z.number().int().min(1).max(120).default(12),
})

export type FunnelStep = z.infer<typeof funnelStep>
export type FunnelInput = z.input<typeof funnelInput>
export type TrackInput = z.input<typeof trackInput>
export type FunnelStepInput = z.input<typeof funnelStepInput>
export type DaysInput = z.input<typeof daysInput>
export type ComputeCohortsInput = z.input<typeof computeCohortsInput>
