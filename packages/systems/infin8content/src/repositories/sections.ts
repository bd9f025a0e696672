import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { type Backlog, changeState, type ClaimBatch, type ClaimKey } from '@tenantry/workflow'
import { sql } from 'drizzle-orm'
import { sectionClaims } from '../database/claims.ts'
import { articleSections as table } from '../schema/index.ts'
import {
  type ResearchedSectionInput,
  researchedSectionInput,
  sectionChanges,
  sectionInput,
  type WrittenSectionInput,
  writtenSectionInput,
} from '../types/inputs.ts'

type Section = Row<typeof table>

/**
 * Sections of articles. Members read and edit them; whoever researches and writes them claims them, as the
 * service role: pending → researching → generating → completed. A claim holds ten minutes unless it is renewed,
 * is tried three times, and is then given up (failed).
 */
export const sections = defineRepository(table, {
  tenant: 'organizationId',
  // Follow from the claims.
  readOnly: ['status', 'leaseToken', 'attempts', 'availableAt', 'lastError'],
  schema: { create: sectionInput, update: sectionChanges },
  defaultSort: [{ articleId: 'asc' }, { sectionOrder: 'asc' }],
  verbs: (repository, executor) => ({
    /** Removes the sections of an article, claimed ones too: their holders find their claim stale. */
    async clear(articleId: string): Promise<number> {
      const gone = await repository.statement(
        'clear',
        ({ tenant, gate, value }) => ({
          returns: { id: table.id },
          query: (columns) => sql`delete from ${table}
            where ${table.organizationId} = ${tenant} and ${table.articleId} = ${value('articleId', table.articleId)}
              and ${gate}
            returning ${columns}`,
        }),
        { articleId },
      )
      return gone.length
    },

    /** failed | completed → pending: to be written once more, with all its attempts. */
    async redo(id: string): Promise<Section> {
      return changeState(table, repository, {
        verb: 'redo',
        tenant: table.organizationId,
        row: { id },
        column: table.status,
        from: ['failed', 'completed'],
        to: 'pending',
      })
    },

    /** Takes up to `limit` (default 1) sections to research and write, over all organizations unless one is bound. */
    async claim(options?: {
      readonly limit?: number
      readonly leaseSeconds?: number
    }): Promise<ClaimBatch<typeof table>> {
      serviceOnly(executor, 'claim')
      return sectionClaims.claim(executor, options)
    },

    /** Extends a claim from now on. Throws StaleTransitionError when another worker has the section. */
    async renew(claim: ClaimKey): Promise<void> {
      serviceOnly(executor, 'renew')
      return sectionClaims.renew(executor, claim)
    },

    /** researching → generating, with the sources that were found. */
    async researched(claim: ClaimKey, input: ResearchedSectionInput): Promise<void> {
      serviceOnly(executor, 'researched')
      const set = parseInput(table, researchedSectionInput, input)
      return sectionClaims.renew(executor, claim, { to: 'generating', set })
    },

    /** researching | generating → completed. Again with the same claim it changes nothing. */
    async written(claim: ClaimKey, input: WrittenSectionInput): Promise<void> {
      serviceOnly(executor, 'written')
      await sectionClaims.finish(executor, claim, { set: parseInput(table, writtenSectionInput, input) })
    },

    /** Puts a section back to be tried again after a wait, or gives it up after the last attempt. */
    async failed(
      claim: ClaimKey,
      reason: string,
      options?: { readonly final?: boolean },
    ): Promise<'retried' | 'failed'> {
      serviceOnly(executor, 'failed')
      return sectionClaims.fail(executor, claim, reason, options)
    },

    /** What waits, what runs, and what is stuck. */
    async backlog(): Promise<Backlog> {
      serviceOnly(executor, 'backlog')
      return sectionClaims.backlog(executor)
    },
  }),
})
