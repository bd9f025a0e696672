/**
 * Schemas and types for a program that has no database: a browser, a mobile app, an API's client.
 * Its only dependency is zod.
 */
export {
  API_CALLS_MAX,
  API_CALLS_WINDOW_SECONDS,
  ARCHIVE_DAYS,
  CAMPAIGN_STATUSES,
  CONFIGURATION_TYPES,
  FAILED_JOB_DAYS,
  GRACE_DAYS,
  JOB_STATUSES,
  JOB_TIME_LIMIT_SECONDS,
  ONBOARDING_STEPS,
  PLANS,
  PLATFORMS,
  SEARCH_TYPES,
  SUBSCRIPTION_STATUSES,
  TARGET_RESULTS_DEFAULT,
  TRIAL_DAYS,
  TRIAL_STATUSES,
} from './types/enums.ts'
export type {
  CampaignStatus,
  ConfigurationType,
  JobStatus,
  OnboardingStep,
  Plan,
  Platform,
  SearchType,
  SubscriptionStatus,
  TrialStatus,
} from './types/enums.ts'
export {
  configurationValue,
  DURATION_PATTERN,
  durationSeconds,
  NUMBER_PATTERN,
} from './types/configuration.ts'
export type { ConfigurationValue, ConfigurationValueOf } from './types/configuration.ts'
export {
  creator,
  creatorShape,
  instagramSimilarCreator,
  tiktokKeywordCreator,
  tiktokSimilarCreator,
  youtubeKeywordCreator,
} from './types/creators.ts'
export type {
  Creator,
  InstagramSimilarCreator,
  TiktokKeywordCreator,
  TiktokSimilarCreator,
  YoutubeKeywordCreator,
} from './types/creators.ts'
export {
  apiCallsInput,
  campaignChanges,
  campaignInput,
  captureInfoInput,
  captureIntentInput,
  configurationInput,
  describeInput,
  emailNameInput,
  emailStatusInput,
  foundInput,
  jobInput,
  keywordSearchInput,
  launchInput,
  mirrorInput,
  resultInput,
  searchInput,
  signUpInput,
  similarSearchInput,
  startSearchInput,
  stripeInput,
  subscriptionInput,
  trackInput,
  userIdInput,
} from './types/inputs.ts'
export type {
  CampaignChanges,
  CampaignInput,
  CaptureInfoInput,
  CaptureIntentInput,
  ConfigurationInput,
  DescribeInput,
  EmailStatusInput,
  FoundInput,
  JobInput,
  LaunchInput,
  MirrorInput,
  ResultInput,
  SearchInput,
  SignUpInput,
  StartSearchInput,
  StripeInput,
  SubscriptionInput,
  TrackInput,
} from './types/inputs.ts'
export { emailSchedule, emailStatus, searchParams } from './types/metadata.ts'
export type { EmailSchedule, EmailStatus, SearchParams } from './types/metadata.ts'
export {
  campaignJson,
  scrapingJobJson,
  scrapingResultJson,
  searchJobJson,
  searchResultJson,
  systemConfigurationJson,
  userProfileJson,
} from './types/rows.ts'
export type {
  CampaignJson,
  ScrapingJobJson,
  ScrapingResultJson,
  SearchJobJson,
  SearchResultJson,
  SystemConfigurationJson,
  UserProfileJson,
} from './types/rows.ts'
