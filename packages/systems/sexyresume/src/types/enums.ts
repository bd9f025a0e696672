/**
 * The closed lists of the product. The schema's CHECK constraints and the zod schemas are both made
 * from these, so a value is either legal in both or in neither. Nothing is imported here: browsers load it.
 */

export const TONE_PRESETS = ['executive', 'professional', 'creative', 'technical', 'entry_level'] as const
export const REQUEST_STATUSES = ['pending', 'processing', 'completed', 'failed'] as const
export const USER_ACTIONS = ['pending', 'accepted', 'rejected', 'modified'] as const
export const SENIORITY_LEVELS = ['entry', 'mid', 'senior', 'executive', 'c_level'] as const
export const GROWTH_OUTLOOKS = ['declining', 'stable', 'growing', 'high_growth'] as const
export const CONFIDENCE_LEVELS = ['low', 'medium', 'high', 'very_high'] as const
export const ROLE_FEEDBACK = ['interested', 'not_interested', 'applied', 'hired'] as const
export const REWARD_TYPES = ['credits', 'discount', 'feature_unlock'] as const
export const COHORT_PERIODS = ['weekly', 'monthly'] as const
export const SKILL_LEVELS = ['Beginner', 'Intermediate', 'Advanced', 'Expert'] as const
export const SKILL_CATEGORIES = ['Technical', 'Soft', 'Language', 'Other'] as const
export const EXPORT_FORMATS = ['pdf', 'docx', 'txt', 'json'] as const
export const LETTER_AUTHORS = ['user', 'ai'] as const
export const PLANS = ['free', 'premium'] as const
/** What plans limit or meter. */
export const PLAN_FEATURES = ['enhancement_requests', 'enhancement_tokens'] as const
export const PAYMENT_STATUSES = ['pending', 'succeeded', 'failed', 'refunded'] as const
export const TRANSACTION_TYPES = ['earned', 'spent', 'refunded', 'expired'] as const
export const ADMIN_ROLES = ['moderator', 'admin', 'super_admin'] as const
/** Whose accounts read every customer's rows. */
export const READER_ROLES = ['admin', 'super_admin'] as const

/** Numbers in an embedding: the width of the `vector` column. */
export const EMBEDDING_DIMENSIONS = 1536
/** Enhancement requests of the free plan in a UTC day; the premium plan has no limit. */
export const FREE_ENHANCEMENTS_PER_DAY = 10
/** Hours that an exported file is kept for its owner to fetch. */
export const EXPORT_HOURS = 24
/** Days for which a resume or letter that was removed can be brought back. */
export const REMOVED_DAYS = 30
/** Characters of a referral code. */
export const REFERRAL_CODE_LENGTH = 8
/** Capitals and digits without those that look alike: no I, L, O, 0, 1. 31 of them give 8.5e11 codes. */
export const REFERRAL_CODE_ALPHABET = 'ABCDEFGHJKMNPQRSTUVWXYZ23456789'

/**
 * The least days for which rows are kept, by table. A row of data_retention_policies may say more, or pause,
 * and never less.
 */
export const RETENTION_DAYS_MIN = {
  exports: 1,
  resumes: 365,
  cover_letters: 365,
  payment_receipts: 2555,
  audit_logs: 1095,
  analytics_events: 730,
} as const

/** What the product itself tracks, by category and action. The column is open: a host may track more. */
export const EVENTS = {
  user_signed_up: { category: 'auth', action: 'signup' },
  resume_created: { category: 'resume', action: 'create' },
  template_selected: { category: 'template', action: 'select' },
  export_completed: { category: 'export', action: 'complete' },
  ai_enhancement_started: { category: 'ai', action: 'enhance_start' },
  ai_enhancement_completed: { category: 'ai', action: 'enhance_complete' },
  job_match_requested: { category: 'ai', action: 'job_match' },
  referral_sent: { category: 'growth', action: 'referral_send' },
  achievement_earned: { category: 'growth', action: 'achievement' },
  upsell_shown: { category: 'growth', action: 'upsell_display' },
  upsell_converted: { category: 'growth', action: 'upsell_convert' },
} as const

/** The funnels that every database starts with. */
export const FUNNELS = {
  user_onboarding: [
    { step: 'signup', name: 'Account Creation' },
    { step: 'resume_upload', name: 'Resume Upload' },
    { step: 'template_selection', name: 'Template Selection' },
    { step: 'content_completion', name: 'Content Completion' },
    { step: 'first_export', name: 'First Export' },
  ],
  export_conversion: [
    { step: 'resume_complete', name: 'Resume Complete' },
    { step: 'export_attempt', name: 'Export Attempt' },
    { step: 'payment_page', name: 'Payment Page' },
    { step: 'payment_complete', name: 'Payment Complete' },
    { step: 'export_download', name: 'Export Download' },
  ],
} as const

export type TonePreset = (typeof TONE_PRESETS)[number]
export type RequestStatus = (typeof REQUEST_STATUSES)[number]
export type UserAction = (typeof USER_ACTIONS)[number]
export type SeniorityLevel = (typeof SENIORITY_LEVELS)[number]
export type GrowthOutlook = (typeof GROWTH_OUTLOOKS)[number]
export type ConfidenceLevel = (typeof CONFIDENCE_LEVELS)[number]
export type RoleFeedback = (typeof ROLE_FEEDBACK)[number]
export type RewardType = (typeof REWARD_TYPES)[number]
export type CohortPeriod = (typeof COHORT_PERIODS)[number]
export type SkillLevel = (typeof SKILL_LEVELS)[number]
export type SkillCategory = (typeof SKILL_CATEGORIES)[number]
export type ExportFormat = (typeof EXPORT_FORMATS)[number]
export type LetterAuthor = (typeof LETTER_AUTHORS)[number]
export type Plan = (typeof PLANS)[number]
export type PlanFeature = (typeof PLAN_FEATURES)[number]
export type PaymentStatus = (typeof PAYMENT_STATUSES)[number]
export type TransactionType = (typeof TRANSACTION_TYPES)[number]
export type AdminRole = (typeof ADMIN_ROLES)[number]
export type EventName = keyof typeof EVENTS
export type RetainedTable = keyof typeof RETENTION_DAYS_MIN
