/**
 * What the verbs of the product accept. Unknown fields are refused. A field left out keeps its default
 * or its value; null clears it. `…Input` types are what a caller writes.
 */
import {
  changes,
  filledText,
  id,
  instant,
  name,
  storable,
  text,
  webAddress,
} from '@tenantry/repository/fields'
import { z } from 'zod'
import { OUTPUT_KINDS, PLANS, SUBSCRIPTION_STATUSES, TEMPLATE_TYPES } from './enums.ts'
import { outputMetadata, outputRequest, preferences } from './metadata.ts'

/** Some of a user's preferences; the others stay. */
export const preferencesInput = storable(preferences)

const profileFields = {
  name: name(255).nullable(),
  preferences: preferencesInput,
  toneOfVoice: name(255).nullable(),
}

export const profileInput = z.strictObject(profileFields).partial()
export const profileChanges = changes(profileFields)

const projectFields = { title: name(500), description: text().nullable() }

export const projectInput = z.strictObject(projectFields).partial().required({ title: true })
export const projectChanges = changes(projectFields)

/** `mp3`, without the dot. */
const extension = z
  .string()
  .regex(/^[a-z0-9]{1,16}$/i, 'must be letters and digits, at most 16, without a dot')
  .toLowerCase()

const fileFields = {
  mimeType: text(255)
    .regex(/^[\w.+-]+\/[\w.+-]+$/, 'must be a media type such as audio/mpeg')
    .nullable(),
  sizeBytes: z.number().int().min(0).max(Number.MAX_SAFE_INTEGER).nullable(),
  publicUrl: webAddress().nullable(),
}

/** A file that lies in the store already, under a path that begins with its user and project. */
export const fileInput = z
  .strictObject({ ...fileFields, projectId: id, path: filledText(1024) })
  .partial()
  .required({ projectId: true, path: true })

/** A file that is about to be uploaded: its path is made for it. */
export const uploadInput = z
  .strictObject({ ...fileFields, projectId: id, extension })
  .partial()
  .required({ projectId: true, extension: true })

export const fileChanges = changes(fileFields)

/** An output that is asked for. The tone of voice is the profile's unless it is given. */
export const requestOutputInput = z.strictObject({
  projectId: id,
  kind: z.enum(OUTPUT_KINDS),
  request: storable(outputRequest).default({}),
})

/** An output as an import brings it: it is queued like any other. */
export const outputInput = z
  .strictObject({
    projectId: id,
    kind: z.enum(OUTPUT_KINDS),
    request: storable(outputRequest).nullable(),
    metadata: storable(outputMetadata),
  })
  .partial()
  .required({ projectId: true, kind: true })

export const editOutputInput = changes({
  body: filledText(),
  metadata: storable(outputMetadata),
})

/** What a worker has generated. */
export const generatedOutputInput = z.strictObject({
  body: filledText(),
  metadata: storable(outputMetadata).optional(),
})

const templateFields = { name: name(255), type: z.enum(TEMPLATE_TYPES), prompt: filledText() }

export const templateInput = z.strictObject(templateFields)
export const templateChanges = changes(templateFields)

/** A copy of a template, to be changed. The name is the original's unless it is given. */
export const copyTemplateInput = z.strictObject({ name: templateFields.name.optional() })

export const templateListInput = z.strictObject({ type: z.enum(TEMPLATE_TYPES).optional() })

/**
 * A subscription as Stripe reports it. Without `endsAt` it renews itself; the ids and the anchor stay as they are where
 * they are left out.
 */
export const subscriptionInput = z
  .strictObject({
    plan: z.enum(PLANS),
    status: z.enum(SUBSCRIPTION_STATUSES),
    /** Of the first period; months are counted from it. Left out of the first call: now. */
    billingAnchor: instant.optional(),
    /** When what is paid ends. A subscription that is canceled has an end. */
    endsAt: instant.nullable().default(null),
    stripeCustomerId: name(255).nullable().optional(),
    stripeSubscriptionId: name(255).nullable().optional(),
  })
  .refine(({ status, endsAt }) => status !== 'canceled' || endsAt !== null, {
    path: ['endsAt'],
    message: 'must be given of a subscription that is canceled',
  })

export const activityInput = z.strictObject({
  days: z.number().int().min(1).max(36_500).default(30),
})

export type PreferencesInput = z.input<typeof preferencesInput>
export type ProfileInput = z.input<typeof profileInput>
export type ProfileChanges = z.input<typeof profileChanges>
export type ProjectInput = z.input<typeof projectInput>
export type ProjectChanges = z.input<typeof projectChanges>
export type FileInput = z.input<typeof fileInput>
export type UploadInput = z.input<typeof uploadInput>
export type FileChanges = z.input<typeof fileChanges>
export type RequestOutputInput = z.input<typeof requestOutputInput>
export type OutputInput = z.input<typeof outputInput>
export type EditOutputInput = z.input<typeof editOutputInput>
export type GeneratedOutputInput = z.input<typeof generatedOutputInput>
export type TemplateInput = z.input<typeof templateInput>
export type TemplateChanges = z.input<typeof templateChanges>
export type CopyTemplateInput = z.input<typeof copyTemplateInput>
export type TemplateListInput = z.input<typeof templateListInput>
export type ActivityInput = z.input<typeof activityInput>
export type SubscriptionInput = z.input<typeof subscriptionInput>
