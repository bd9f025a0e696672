/**
 * Every row as it reads after `JSON.parse`: moments are ISO 8601 text in UTC. Keys are those of the
 * schema's tables. Unknown keys are dropped, so an older client reads a newer server's rows.
 */
import { id, instantJson } from '@tenantry/repository/fields'
import { z } from 'zod'
import { OUTPUT_KINDS, OUTPUT_STATUSES, PLANS, SUBSCRIPTION_STATUSES, TEMPLATE_TYPES } from './enums.ts'
import { outputMetadata, outputRequest, preferences } from './metadata.ts'

const optionalText = z.string().nullable()
const userId = z.string()
const stamps = { createdAt: instantJson, updatedAt: instantJson }

export const profileJson = z.object({
  userId,
  name: optionalText,
  preferences,
  toneOfVoice: optionalText,
  ...stamps,
})

export const projectJson = z.object({ id, userId, title: z.string(), description: optionalText, ...stamps })

export const fileJson = z.object({
  id,
  userId,
  projectId: id,
  path: z.string(),
  mimeType: optionalText,
  sizeBytes: z.number().int().nullable(),
  publicUrl: optionalText,
  createdAt: instantJson,
})

/** Without the lease: its token is the worker's alone. */
export const outputJson = z.object({
  id,
  userId,
  projectId: id,
  kind: z.enum(OUTPUT_KINDS),
  status: z.enum(OUTPUT_STATUSES),
  request: outputRequest.nullable(),
  body: optionalText,
  metadata: outputMetadata,
  ...stamps,
  attempts: z.number().int(),
  availableAt: instantJson,
  lastError: optionalText,
})

export const archivedOutputJson = outputJson.extend({ archivedAt: instantJson })

export const templateJson = z.object({
  id,
  userId,
  name: z.string(),
  type: z.enum(TEMPLATE_TYPES),
  prompt: z.string(),
  isCustom: z.boolean(),
  createdAt: instantJson,
})

export const subscriptionJson = z.object({
  userId,
  plan: z.enum(PLANS),
  status: z.enum(SUBSCRIPTION_STATUSES),
  billingAnchor: instantJson,
  pastDueSince: instantJson.nullable(),
  endsAt: instantJson.nullable(),
  stripeCustomerId: optionalText,
  stripeSubscriptionId: optionalText,
  ...stamps,
})

/** A project with all that belongs to it. */
export const projectContentsJson = projectJson.extend({
  files: z.array(fileJson),
  outputs: z.array(outputJson),
})

export type ProfileJson = z.infer<typeof profileJson>
export type ProjectJson = z.infer<typeof projectJson>
export type FileJson = z.infer<typeof fileJson>
export type OutputJson = z.infer<typeof outputJson>
export type ArchivedOutputJson = z.infer<typeof archivedOutputJson>
export type SubscriptionJson = z.infer<typeof subscriptionJson>
export type TemplateJson = z.infer<typeof templateJson>
export type ProjectContentsJson = z.infer<typeof projectContentsJson>
