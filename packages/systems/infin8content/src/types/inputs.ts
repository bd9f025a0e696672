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
import {
  APPROVAL_DECISIONS,
  APPROVAL_ENTITIES,
  CLUSTER_SIMILARITY_MIN,
  CLUSTER_SPOKES_MAX,
  CLUSTER_SPOKES_MIN,
  CLUSTER_TYPES,
  FILTER_STATUSES,
  KEYWORD_TYPES,
  ORGANIZATION_ROLES,
  PLATFORMS,
  RESEARCH_COST_USD,
  RESEARCH_HOURS,
  WORKFLOW_STATES,
} from './enums.ts'
import { metadata, researchSource, suggestedSubtopic, validationMetadata } from './metadata.ts'

const json = storable(metadata)
const count = z.int32().min(0)
/** 0 to 1. */
const share = z.number().min(0).max(1)
const email = z.email().max(255).toLowerCase()
const role = z.enum(ORGANIZATION_ROLES)

/** A person, as the host's sign-in knows them. */
export const signUpInput = z.strictObject({
  /** Of the sign-in's own account, such as Supabase's. Made where it isn't given. */
  id: id.optional(),
  /** Stored in lower case, so that one address is one person. */
  email,
  fullName: name(255).nullable().optional(),
  avatarUrl: webAddress().nullable().optional(),
})

export const userChanges = changes({ fullName: name(255).nullable(), avatarUrl: webAddress().nullable() })

export const foundOrganizationInput = z.strictObject({ name: name(255), ownerId: id })

export const organizationInput = z.strictObject({ name: name(255) })

export const organizationChanges = changes({ name: name(255) })

export const memberInput = z.strictObject({ userId: id, role: role.default('member') })

export const memberRoleInput = z.strictObject({ userId: id, role })

export const inviteInput = z.strictObject({ email, role: role.default('member') })

/** What an invitation's token accepts. The host says who has it, from their session. */
export const acceptInvitationInput = z.strictObject({ token: text(200), userId: id })

const competitorFields = { url: webAddress(2000), name: name(255).nullable(), isActive: z.boolean() }

export const competitorInput = z.strictObject(competitorFields).partial().required({ url: true })

export const competitorChanges = changes({ name: competitorFields.name, isActive: competitorFields.isActive })

const workflowFields = { title: name(500), description: text().nullable(), metadata: json }

export const workflowInput = z
  .strictObject({
    ...workflowFields,
    /** By the service role only: for whom it acts. A person's own workflow is theirs. */
    createdBy: id,
  })
  .partial()
  .required({ title: true })

export const workflowChanges = changes(workflowFields)

export const transitionInput = z.strictObject({
  to: z.enum(WORKFLOW_STATES),
  /** Only if nobody has moved the workflow since it was read. */
  version: z.int32().min(1).optional(),
  /** Says that several calls mean one transition: a repeated one changes nothing and answers the same. */
  idempotencyKey: filledText(255).optional(),
  reason: text().optional(),
  metadata: json.optional(),
})

/** Rows of an answer that isn't paged. */
export const listLimitInput = z.strictObject({ limit: z.int().min(1).max(200).default(20) })

const keywordFields = {
  competitorUrlId: id.nullable(),
  searchVolume: count.nullable(),
  competitionIndex: z.number().nullable(),
  costPerClick: z.number().min(0).nullable(),
  keywordDifficulty: z.int().min(0).max(100).nullable(),
  aiSuggested: z.boolean(),
  userSelected: z.boolean(),
  decisionConfidence: share.nullable(),
  decisionMetadata: json,
  subtopics: storable(z.array(suggestedSubtopic)),
  source: text(255).nullable(),
  metadata: json,
}

/** A keyword as a data service or a person gives it. Case and space around it don't tell two apart. */
export const foundKeywordInput = z
  .strictObject({ ...keywordFields, keyword: name(1000) })
  .partial()
  .required({ keyword: true })

/** A keyword with its place in the hierarchy. Left out or null: of no workflow. */
export const keywordInput = z
  .strictObject({
    ...keywordFields,
    keyword: name(1000),
    keywordType: z.enum(KEYWORD_TYPES),
    workflowId: id.nullable(),
    parentSeedKeywordId: id.nullable(),
  })
  .partial()
  .required({ keyword: true, keywordType: true })
  .refine((value) => (value.keywordType === 'seed') === ((value.parentSeedKeywordId ?? null) === null), {
    path: ['parentSeedKeywordId'],
    message: 'must be given for a longtail (its seed) and a subtopic (its longtail), and for nothing else',
  })

export const keywordChanges = changes({ ...keywordFields, keyword: name(1000) })

/** Keywords that were found in one go. As many as one statement takes with all their columns. */
const foundKeywords = z.array(foundKeywordInput).min(1).max(1000)

export const seedKeywordsInput = z.strictObject({ workflowId: id.nullable(), keywords: foundKeywords })

export const childKeywordsInput = z.strictObject({ parentId: id, keywords: foundKeywords })

/** What a person thinks of suggestions. */
export const decideKeywordsInput = z.strictObject({
  ids: z.array(id).min(1).max(1000),
  filterStatus: z.enum(FILTER_STATUSES).exclude(['not_started']),
})

export const clusterInput = z
  .strictObject({
    workflowId: id,
    hubKeywordId: id,
    spokes: z
      .array(
        z.strictObject({
          keywordId: id,
          /** -1 to 1; left out or null: nobody has measured it. */
          similarityScore: z.number().min(-1).max(1).nullable().optional(),
        }),
      )
      .min(1)
      .max(1000)
      .refine(
        (spokes) => new Set(spokes.map(({ keywordId }) => keywordId.toLowerCase())).size === spokes.length,
        'must not hold a keyword twice',
      ),
    clusterType: z.enum(CLUSTER_TYPES).default('automatic'),
  })
  .refine(
    ({ hubKeywordId, spokes }) =>
      spokes.every(({ keywordId }) => keywordId.toLowerCase() !== hubKeywordId.toLowerCase()),
    {
      path: ['spokes'],
      message: 'must not hold the hub: no keyword is its own spoke',
    },
  )

export const clusterRowInput = z
  .strictObject({
    workflowId: id,
    hubKeywordId: id,
    spokeKeywordId: id,
    similarityScore: z.number().min(-1).max(1).nullable().optional(),
    clusterType: z.enum(CLUSTER_TYPES).optional(),
  })
  .refine(({ hubKeywordId, spokeKeywordId }) => hubKeywordId !== spokeKeywordId, {
    path: ['spokeKeywordId'],
    message: 'must not be the hub: no keyword is its own spoke',
  })

/** Thresholds of a valid cluster; left out: the product's. */
export const validateClustersInput = z
  .strictObject({
    workflowId: id,
    minSimilarity: z.number().min(-1).max(1).default(CLUSTER_SIMILARITY_MIN),
    minSpokes: z.int().min(1).max(1000).default(CLUSTER_SPOKES_MIN),
    maxSpokes: z.int().min(1).max(1000).default(CLUSTER_SPOKES_MAX),
  })
  .refine(({ minSpokes, maxSpokes }) => minSpokes <= maxSpokes, {
    path: ['maxSpokes'],
    message: 'must not be below minSpokes',
  })

export const validationInput = z.strictObject({
  workflowId: id,
  hubKeywordId: id,
  validationMetadata: storable(validationMetadata).optional(),
})

export const validationChanges = changes({ validationMetadata: storable(validationMetadata) })

/** A decision about one entity, or about all of its kind in the workflow. */
export const decisionInput = z
  .strictObject({
    workflowId: id,
    entityType: z.enum(APPROVAL_ENTITIES),
    /** One of the workflow's keywords. Left out: all seeds, subtopics or clusters of the workflow. */
    entityId: id,
    decision: z.enum(APPROVAL_DECISIONS),
    feedback: text().nullable(),
    confidenceScore: share.nullable(),
    approvalMetadata: json,
    /** By the service role only: who decided. */
    userId: id,
  })
  .partial()
  .required({ workflowId: true, entityType: true, decision: true })

const articleFields = {
  title: name(1000),
  slug: name(500).nullable(),
  content: text(5_000_000).nullable(),
  excerpt: text().nullable(),
  metaTitle: text(500).nullable(),
  metaDescription: text(2000).nullable(),
  focusKeyword: text(1000).nullable(),
  wordCount: count.nullable(),
  readingTime: count.nullable(),
  qualityScore: z.number().nullable(),
  seoScore: z.number().nullable(),
}

export const articleInput = z
  .strictObject({
    ...articleFields,
    workflowId: id.nullable(),
    keywordId: id.nullable(),
    /** By the service role only: for whom it acts. A person's own article is theirs. */
    createdBy: id.nullable(),
  })
  .partial()
  .required({ title: true })

export const articleChanges = changes(articleFields)

const sectionFields = {
  title: text(1000).nullable(),
  content: text(1_000_000).nullable(),
  htmlContent: text(1_000_000).nullable(),
  researchQuery: text(2000).nullable(),
  researchSources: storable(z.array(researchSource)),
  outlinePrompt: text().nullable(),
  modelUsed: text(255).nullable(),
  tokensUsed: count.nullable(),
  generationTime: count.nullable(),
  qualityScore: z.number().nullable(),
}

const outlined = z
  .strictObject({
    title: sectionFields.title,
    researchQuery: sectionFields.researchQuery,
    outlinePrompt: sectionFields.outlinePrompt,
  })
  .partial()

/** The sections of an article, in their order. */
export const outlineInput = z.strictObject({ articleId: id, sections: z.array(outlined).min(1).max(200) })

export const sectionInput = z
  .strictObject({ ...sectionFields, articleId: id, sectionOrder: z.int32().min(1) })
  .partial()
  .required({ articleId: true, sectionOrder: true })

export const sectionChanges = changes(sectionFields)

/** What came of writing a section. */
export const writtenSectionInput = z.strictObject(sectionFields).partial().required({ content: true })

/** What came of researching a section. */
export const researchedSectionInput = z.strictObject({ researchSources: sectionFields.researchSources })

export const publishRequestInput = z.strictObject({
  articleId: id,
  platform: z.enum(PLATFORMS).default('wordpress'),
})

export const publishReferenceInput = z
  .strictObject({ articleId: id, platform: z.enum(PLATFORMS), metadata: json })
  .partial()
  .required({ articleId: true, platform: true })

export const publishReferenceChanges = changes({ metadata: json })

/** Where an article is, once it is published. */
export const publishedInput = z.strictObject({
  platformPostId: filledText(255),
  platformUrl: webAddress(2000),
})

const researchQuery = filledText(2000)
const hours = z
  .number()
  .positive()
  .max(24 * 365)

export const researchQueryInput = z.strictObject({ query: researchQuery })

export const rememberInput = z.strictObject({
  query: researchQuery,
  results: storable(z.json()),
  /** How long it is used, in hours. */
  hours: hours.default(RESEARCH_HOURS),
  sourceCount: count.optional(),
  metadata: json.optional(),
})

export const fillOptionsInput = z.strictObject({
  hours: hours.default(RESEARCH_HOURS),
  /** How long one caller may take before another asks too, in seconds. */
  leaseSeconds: z.number().min(0.1).max(3600).default(60),
  /** The most that asking is expected to cost, in US dollars. */
  estimatedCostUsd: z.number().min(0.000001).max(1000).default(RESEARCH_COST_USD),
})

export const cacheEntryInput = z
  .strictObject({
    researchQuery,
    researchResults: storable(z.json()),
    cachedUntil: instant,
    sourceCount: count.nullable(),
    metadata: json,
  })
  .partial()
  .required({ researchQuery: true, researchResults: true, cachedUntil: true })

const period = z.string().regex(/^\d{4}-(?:0[1-9]|1[0-2])$/, 'must be a month such as 2026-02')

export const billingPeriodInput = z.strictObject({ period })

export type SignUpInput = z.input<typeof signUpInput>
export type UserChanges = z.input<typeof userChanges>
export type FoundOrganizationInput = z.input<typeof foundOrganizationInput>
export type OrganizationInput = z.input<typeof organizationInput>
export type OrganizationChanges = z.input<typeof organizationChanges>
export type MemberInput = z.input<typeof memberInput>
export type MemberRoleInput = z.input<typeof memberRoleInput>
export type InviteInput = z.input<typeof inviteInput>
export type AcceptInvitationInput = z.input<typeof acceptInvitationInput>
export type CompetitorInput = z.input<typeof competitorInput>
export type CompetitorChanges = z.input<typeof competitorChanges>
export type WorkflowInput = z.input<typeof workflowInput>
export type WorkflowChanges = z.input<typeof workflowChanges>
export type TransitionInput = z.input<typeof transitionInput>
export type ListLimit = z.input<typeof listLimitInput>
export type FoundKeywordInput = z.input<typeof foundKeywordInput>
export type KeywordInput = z.input<typeof keywordInput>
export type KeywordChanges = z.input<typeof keywordChanges>
export type SeedKeywordsInput = z.input<typeof seedKeywordsInput>
export type ChildKeywordsInput = z.input<typeof childKeywordsInput>
export type DecideKeywordsInput = z.input<typeof decideKeywordsInput>
export type ClusterInput = z.input<typeof clusterInput>
export type ClusterRowInput = z.input<typeof clusterRowInput>
export type ValidateClustersInput = z.input<typeof validateClustersInput>
export type ValidationInput = z.input<typeof validationInput>
export type ValidationChanges = z.input<typeof validationChanges>
export type DecisionInput = z.input<typeof decisionInput>
export type ArticleInput = z.input<typeof articleInput>
export type ArticleChanges = z.input<typeof articleChanges>
export type OutlineInput = z.input<typeof outlineInput>
export type SectionInput = z.input<typeof sectionInput>
export type SectionChanges = z.input<typeof sectionChanges>
export type WrittenSectionInput = z.input<typeof writtenSectionInput>
export type ResearchedSectionInput = z.input<typeof researchedSectionInput>
export type PublishRequestInput = z.input<typeof publishRequestInput>
export type PublishReferenceInput = z.input<typeof publishReferenceInput>
export type PublishReferenceChanges = z.input<typeof publishReferenceChanges>
export type PublishedInput = z.input<typeof publishedInput>
export type RememberInput = z.input<typeof rememberInput>
export type FillOptions = z.input<typeof fillOptionsInput>
export type CacheEntryInput = z.input<typeof cacheEntryInput>
