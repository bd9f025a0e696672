/**
 * Schemas and types for a program that has no database: a browser, a mobile app, an API's client.
 * Its only dependency is zod.
 */
export {
  OUTPUT_KINDS,
  OUTPUT_STATUSES,
  SYSTEM_USER_ID,
  TEMPLATE_TYPES,
  UPLOADS_BUCKET,
} from './types/enums.ts'
export type { OutputKind, OutputStatus, TemplateType } from './types/enums.ts'
export {
  activityInput,
  archiveInput,
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
  templateChanges,
  templateInput,
  templateListInput,
  uploadInput,
} from './types/inputs.ts'
export type {
  ActivityInput,
  ArchiveInput,
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
  templateJson,
} from './types/rows.ts'
export type {
  ArchivedOutputJson,
  FileJson,
  OutputJson,
  ProfileJson,
  ProjectContentsJson,
  ProjectJson,
  TemplateJson,
} from './types/rows.ts'
