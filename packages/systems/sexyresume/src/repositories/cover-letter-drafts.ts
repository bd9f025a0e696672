import { defineRepository } from '@tenantry/repository'
import { coverLetterDrafts as table } from '../schema/index.ts'

/** Every version of a cover letter: made by `coverLetters.saveDraft`, and never changed. */
export const coverLetterDrafts = defineRepository(table, {
  tenant: 'userId',
  defaultSort: [{ coverLetterId: 'asc' }, { version: 'desc' }],
})
