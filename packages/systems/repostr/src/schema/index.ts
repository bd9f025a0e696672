/** The tables of Repostr, for queries of a host's own. */
export { files } from './files.ts'
export { outputKind, outputs, outputStatus } from './outputs.ts'
export { outputsArchive } from './outputs-archive.ts'
export { profiles } from './profiles.ts'
export { projects } from './projects.ts'
export { filesRelations, outputsArchiveRelations, outputsRelations, projectsRelations } from './relations.ts'
export { schemaVersions } from './schema-versions.ts'
export { templates, templateType } from './templates.ts'
