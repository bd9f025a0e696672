import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { bindTenant } from '@tenantry/rls'
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
import { type WriteSectionInput, writeSectionInput } from '../types/usage-inputs.ts'
import { usage } from './usage.ts'

type Section = Row<typeof table>

/** What came of writing a section, and what it cost, in US dollars. */
export type WrittenSection = WrittenSectionInput & { readonly costUsd: number }

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/**
 * Sections of articles. Members read and edit them; whoever researches and writes them claims them, as the
 * service role: pending → researching → generating → completed. A claim holds ten minutes unless it is renewed,
 * is tried three times, and is then given up (failed). Only sections of an article that is being generated can be
 * claimed: the others wait for that.
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

    /**
     * Has a claimed section written, and finishes it: the estimated cost is held while `run` asks a language model,
     * with nothing open in the database, and what it cost is used then, whatever becomes of the section. When `run`
     * throws, nothing is used and the section is put back, as `failed` does.
     *
     * @throws PlanLimitError when the month's ceiling for articles has no room: the model wasn't asked, and the
     *   section is put back.
     * @throws StaleTransitionError when another worker has the section.
     */
    async write(
      claim: ClaimKey,
      options: WriteSectionInput,
      run: () => Promise<WrittenSection>,
    ): Promise<void> {
      serviceOnly(executor, 'write')
      const { estimatedCostUsd } = parseInput(table, writeSectionInput, options)
      // Nobody pays for what another worker is writing.
      await sectionClaims.renew(executor, claim)
      try {
        const { costUsd: _, ...written } = await usage
          .bind(bindTenant(executor, claim.tenant))
          .withHold(
            { metric: 'articles', costUsd: estimatedCostUsd, key: `section:${claim.token}` },
            run,
            ({ costUsd }) => ({ costUsd }),
          )
        await sectionClaims.finish(executor, claim, { set: parseInput(table, writtenSectionInput, written) })
      } catch (error) {
        // Its lease ends by itself, should this fail too; what went wrong with the work is what the caller is to hear of.
        await sectionClaims.fail(executor, claim, reasonOf(error)).catch(() => {})
        throw error
      }
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
