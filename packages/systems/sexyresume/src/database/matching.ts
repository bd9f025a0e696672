import { defineVectorSearch } from '@tenantry/search'
import { jobRoles } from '../schema/index.ts'

/** Roles by the nearness of their embeddings to that of a resume. */
export const roleSearch = defineVectorSearch({
  name: 'match_job_roles',
  table: jobRoles,
  id: jobRoles.id,
  vector: jobRoles.embedding,
})
