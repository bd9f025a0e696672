import type { Executor } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { bindTenant } from '@tenantry/rls'
import { changeState, type Claim, type ClaimBatch, type ClaimKey, type FailOutcome } from '@tenantry/workflow'
import { sql } from 'drizzle-orm'
import { enhancementClaims } from '../database/requests.ts'
import { enhancementRequests as table, type enhancementSuggestions } from '../schema/index.ts'
import {
  type EnhancedInput,
  enhancedInput,
  enhancementInput,
  type EnhancementInput,
  type FailedInput,
  failedInput,
} from '../types/inputs.ts'
import { newestFirst } from './order.ts'
import { suggestions as suggestionsOf } from './suggestions.ts'

type Request = Row<typeof table>

/** Content that is to be written better: asked for by customers, done by workers. */
export const enhancements = defineRepository(table, {
  tenant: 'userId',
  // Follow from the verbs.
  readOnly: [
    'enhancedContent',
    'overallConfidence',
    'processingStatus',
    'processingTimeMs',
    'tokenUsage',
    'errorMessage',
    'completedAt',
    'leaseToken',
    'attempts',
    'availableAt',
  ],
  schema: { create: enhancementInput },
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /**
     * Asks for an enhancement; on the free plan it takes one of the day's (UTC). Throws PlanLimitError when there is
     * none left, ForeignKeyError for a resume that isn't the user's; then nothing is written.
     */
    async request(input: EnhancementInput): Promise<Request> {
      return repository.create(parseInput(table, enhancementInput, input))
    },

    /** Requests to be worked on: see `defineClaims` of @tenantry/workflow. Service role only. */
    async claim(options: { readonly limit?: number } = {}): Promise<ClaimBatch<typeof table>> {
      serviceOnly(executor, 'claim')
      return enhancementClaims.claim(executor, options)
    },

    /** More time for work that takes long. Throws StaleTransitionError when another worker has taken over. */
    async renew(claim: ClaimKey): Promise<void> {
      serviceOnly(executor, 'renew')
      await enhancementClaims.renew(executor, claim)
    },

    /**
     * Keeps what came of it: the content, what it cost, and the suggestions, in one transaction, and answers the
     * suggestions. `tokenUsage` is what this attempt took; the request keeps that of all.
     * Again with the same claim it changes nothing and answers those that there are. Throws
     * StaleTransitionError when another worker has taken over. Service role only.
     */
    async complete(claim: ClaimKey, input: EnhancedInput): Promise<Row<typeof enhancementSuggestions>[]> {
      serviceOnly(executor, 'complete')
      const { suggestions, ...result } = parseInput(table, enhancedInput, input)
      return executor.transaction(async (within) => {
        const owner = bindTenant(within, claim.tenant)
        const tokenUsage = result.tokenUsage + (await tokensBefore(owner, claim.id))
        const outcome = await enhancementClaims.finish(within, claim, { set: { ...result, tokenUsage } })
        const own = suggestionsOf.bind(owner)
        if (outcome === 'repeated') {
          const kept: Row<typeof enhancementSuggestions>[] = []
          for await (const row of own.stream({ where: { requestId: claim.id } })) kept.push(row)
          return kept
        }
        return own.createMany(suggestions.map((suggestion) => ({ ...suggestion, requestId: claim.id })))
      })
    },

    /**
     * It failed: it is tried again after a wait, or given up after the third attempt (at once if `final`); then its
     * unit of the day is given back. What it cost is kept, and added up. Service role only.
     */
    async fail(
      claim: ClaimKey,
      input: FailedInput,
      options: { readonly final?: boolean } = {},
    ): Promise<Exclude<FailOutcome, 'stale'>> {
      serviceOnly(executor, 'fail')
      const { errorMessage, tokenUsage = 0, ...cost } = parseInput(table, failedInput, input)
      return executor.transaction(async (within) => {
        const before = await tokensBefore(bindTenant(within, claim.tenant), claim.id)
        const set = tokenUsage === 0 ? cost : { ...cost, tokenUsage: before + tokenUsage }
        return enhancementClaims.fail(within, claim, errorMessage, { ...options, set })
      })
    },

    /**
     * failed → pending: from the start, with a unit of the present day. Throws PlanLimitError when there is none.
     * Service role only.
     */
    async retry(id: string): Promise<Request> {
      serviceOnly(executor, 'retry')
      return changeState(table, repository, {
        verb: 'retry',
        column: table.processingStatus,
        tenant: table.userId,
        row: { id },
        from: ['failed'],
        to: 'pending',
      })
    },
  }),
})

/** What earlier attempts took: nobody else changes it while the lease is held. */
async function tokensBefore(own: Executor, id: string): Promise<number> {
  const [row] = await enhancements.bind(own).statement(
    'tokens before',
    ({ tenant, value }) => ({
      returns: { tokenUsage: table.tokenUsage },
      query: (columns) => sql`select ${columns} from ${table}
        where ${table.id} = ${value('id', table.id)} and ${table.userId} = ${tenant}`,
    }),
    { id },
  )
  return row?.tokenUsage ?? 0
}

export type EnhancementClaim = Claim<typeof table>
