import { NotFoundError } from '@tenantry/core'
import { defineRepository, parseInput, type Row } from '@tenantry/repository'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { coverLetterDrafts, coverLetters as table } from '../schema/index.ts'
import {
  coverLetterChanges,
  coverLetterInput,
  type LetterDraftInput,
  letterDraftInput,
} from '../types/inputs.ts'

type Draft = Row<typeof coverLetterDrafts>

/** Cover letters. Each text that a letter had is a draft of its own; `remove` keeps them all. */
export const coverLetters = defineRepository(table, {
  tenant: 'userId',
  softDelete: 'deletedAt',
  // Follow from `saveDraft` and `restoreDraft`.
  readOnly: ['content', 'currentVersion'],
  schema: { create: coverLetterInput, update: coverLetterChanges },
  defaultSort: [{ updatedAt: 'desc' }],
  verbs: (repository) => ({
    /** Gives the letter a new text, and keeps it as the next version. Throws NotFoundError. */
    async saveDraft(id: string, input: LetterDraftInput): Promise<Draft> {
      const { content, author } = parseInput(coverLetterDrafts, letterDraftInput, input)
      const [draft] = await repository.statement(
        'save draft',
        ({ tenant, gate, value }) => ({
          returns: getTableColumns(coverLetterDrafts),
          // The letter's row is what callers take turns at, so that versions follow each other.
          query: (columns) => sql`with letter as (
              update ${table} set content = ${value('content', table.content)}, current_version = current_version + 1
              where ${table.id} = ${value('id', table.id)} and ${table.userId} = ${tenant}
                and ${table.deletedAt} is null and ${gate}
              returning ${table.id}, ${table.userId}, ${table.currentVersion}, ${table.content}
            )
            insert into ${coverLetterDrafts} (user_id, cover_letter_id, version, content, author)
            select ${tenant}, letter.id, letter.current_version, letter.content, ${value('author', coverLetterDrafts.author)}
            from letter
            returning ${columns}`,
        }),
        { id, content, author },
      )
      if (draft === undefined) throw missing()
      return draft
    },

    /** Gives the letter the text of an earlier version, as the next one. Throws NotFoundError. */
    async restoreDraft(id: string, version: number): Promise<Draft> {
      const [draft] = await repository.statement(
        'restore draft',
        ({ tenant, gate, value }) => ({
          returns: getTableColumns(coverLetterDrafts),
          query: (columns) => sql`with earlier as (
              select ${coverLetterDrafts.content}, ${coverLetterDrafts.author} from ${coverLetterDrafts}
              where ${coverLetterDrafts.coverLetterId} = ${value('id', table.id)} and ${coverLetterDrafts.userId} = ${tenant}
                and ${coverLetterDrafts.version} = ${value('version', coverLetterDrafts.version)}
            ),
            letter as (
              update ${table} set content = earlier.content, current_version = current_version + 1
              from earlier
              where ${table.id} = ${value('id', table.id)} and ${table.userId} = ${tenant}
                and ${table.deletedAt} is null and ${gate}
              returning ${table.id}, ${table.currentVersion}, earlier.content, earlier.author
            )
            insert into ${coverLetterDrafts} (user_id, cover_letter_id, version, content, author)
            select ${tenant}, letter.id, letter.current_version, letter.content, letter.author
            from letter
            returning ${columns}`,
        }),
        { id, version },
      )
      if (draft === undefined) throw missing()
      return draft
    },
  }),
})

function missing(): NotFoundError {
  return new NotFoundError('There is no such cover letter, or no such version of it', {
    table: getTableName(table),
  })
}
