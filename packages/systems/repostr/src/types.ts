/**
 * Schemas and types for a program that has no database: a browser, a mobile app, an API's client.
 * Its only dependency is zod.
 */
export {
  ARCHIVE_DAYS,
  GRACE_DAYS,
  OUTPUT_KINDS,
  OUTPUT_STATUSES,
  OUTPUTS_PER_MONTH,
  PLANS,
  SUBSCRIPTION_STATUSES,
  SYSTEM_USER_ID,
  TEMPLATE_TYPES,
  UPLOADS_BUCKET,
} from './types/enums.ts'
export type { OutputKind, OutputStatus, Plan, SubscriptionStatus, TemplateType } from './types/enums.ts'
export {
  activityInput,
  copyTemplateInput,
  editOutputInput,
  fileChanges,
  fileInput,
  generatedOutputInput,
  outputInput,
  preferencesInput,
  profileChanges,
  profileInput,
  projectChanges,
  projectInput,
  requestOutputInput,
  subscriptionInput,
  templateChanges,
  templateInput,
  templateListInput,
  uploadInput,
} from './types/inputs.ts'
export type {
  ActivityInput,
  CopyTemplateInput,
  EditOutputInput,
  FileChanges,
  FileInput,
  GeneratedOutputInput,
  OutputInput,
  PreferencesInput,
  ProfileChanges,
  ProfileInput,
  ProjectChanges,
  ProjectInput,
  RequestOutputInput,
  SubscriptionInput,
  TemplateChanges,
  TemplateInput,
  TemplateListInput,
  UploadInput,
} from './types/inputs.ts'
export { outputMetadata, outputRequest, preferences } from './types/metadata.ts'
export type { OutputMetadata, OutputRequest, Preferences } from './types/metadata.ts'
export {
  archivedOutputJson,
  fileJson,
  outputJson,
  profileJson,
  projectContentsJson,
  projectJson,
  subscriptionJson,
  templateJson,
} from './types/rows.ts'
export type {
  ArchivedOutputJson,
  FileJson,
  OutputJson,
  ProfileJson,
  ProjectContentsJson,
  ProjectJson,
  SubscriptionJson,
  TemplateJson,
} from './types/rows.ts'
