import { StaleTransitionError } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { type Backlog, changeState, type ClaimBatch, type ClaimKey } from '@tenantry/workflow'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { publishClaims } from '../database/claims.ts'
import { articles as articleTable, publishReferences as table } from '../schema/index.ts'
import {
  type PublishedInput,
  publishedInput,
  publishReferenceChanges,
  publishReferenceInput,
  type PublishRequestInput,
  publishRequestInput,
} from '../types/inputs.ts'
import { articles } from './articles.ts'
import { newestFirst } from './order.ts'

type Reference = Row<typeof table>

/**
 * Where articles are published, once on each platform. Members request it; whoever publishes claims the request,
 * as the service role. A claim holds two minutes unless it is renewed, is tried five times with growing waits,
 * and is then given up. The article's own `publishStatus` follows, in the database.
 */
export const publishReferences = defineRepository(table, {
  tenant: 'organizationId',
  // Follow from the claims.
  readOnly: [
    'publishStatus',
    'errorMessage',
    'retryCount',
    'leaseToken',
    'availableAt',
    'platformPostId',
    'platformUrl',
  ],
  schema: { create: publishReferenceInput, update: publishReferenceChanges },
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /**
     * Asks for an article to be published. Again it answers the same reference, whatever has become of it, and
     * publishes no second time; `retry` tries one once more that was given up.
     *
     * Throws StaleTransitionError for an article that isn't completed, NotFoundError for one that isn't there.
     */
    async request(input: PublishRequestInput): Promise<Reference> {
      const { articleId, platform } = parseInput(table, publishRequestInput, input)
      return executor.transaction(async (within) => {
        const own = publishReferences.bind(within)
        const [requested] = await own.statement(
          'request',
          ({ tenant, value }) => ({
            returns: getTableColumns(table),
            query: (columns) => sql`insert into ${table} (organization_id, article_id, platform)
              select ${articleTable.organizationId}, ${articleTable.id}, ${value('platform', table.platform)}
              from ${articleTable}
              where ${articleTable.organizationId} = ${tenant} and ${articleTable.id} = ${value('articleId', articleTable.id)}
                and ${articleTable.status} in ('completed', 'published')
              on conflict (article_id, organization_id, platform) do nothing
              returning ${columns}`,
          }),
          { articleId, platform },
        )
        if (requested !== undefined) return requested
        const known = await own.find({ where: { articleId, platform } })
        if (known !== null) return known
        const { status } = await articles.bind(within).get(articleId)
        throw new StaleTransitionError(`An article that is "${status}" can't be published`, {
          table: getTableName(articleTable),
          hint: 'Finish generating it first',
        })
      })
    },

    /** failed | published → pending: to be published once more, with all its attempts. */
    async retry(id: string): Promise<Reference> {
      return changeState(table, repository, {
        verb: 'retry',
        tenant: table.organizationId,
        row: { id },
        column: table.publishStatus,
        from: ['failed', 'published'],
        to: 'pending',
      })
    },

    /** Takes up to `limit` (default 1) references to publish, over all organizations unless one is bound. */
    async claim(options?: {
      readonly limit?: number
      readonly leaseSeconds?: number
    }): Promise<ClaimBatch<typeof table>> {
      serviceOnly(executor, 'claim')
      return publishClaims.claim(executor, options)
    },

    /** Extends a claim from now on. Throws StaleTransitionError when another worker has the reference. */
    async renew(claim: ClaimKey): Promise<void> {
      serviceOnly(executor, 'renew')
      return publishClaims.renew(executor, claim)
    },

    /** publishing → published, and the article with it. Again with the same claim it changes nothing. */
    async published(claim: ClaimKey, input: PublishedInput): Promise<void> {
      serviceOnly(executor, 'published')
      await publishClaims.finish(executor, claim, { set: parseInput(table, publishedInput, input) })
    },

    /** Puts a reference back to be tried again after a wait, or gives it up after the last attempt. */
    async failed(
      claim: ClaimKey,
      reason: string,
      options?: { readonly final?: boolean },
    ): Promise<'retried' | 'failed'> {
      serviceOnly(executor, 'failed')
      return publishClaims.fail(executor, claim, reason, options)
    },

    /** What waits, what runs, and what is stuck. */
    async backlog(): Promise<Backlog> {
      serviceOnly(executor, 'backlog')
      return publishClaims.backlog(executor)
    },
  }),
})
