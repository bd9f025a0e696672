import { DatabaseError } from '@tenantry/core'
import { defineRepository, parseInput, type Row } from '@tenantry/repository'
import { assign, type Backlog, changeState, type Claim, type ClaimKey } from '@tenantry/workflow'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { outputClaims } from '../database/outputs.ts'
import { outputs as table, profiles } from '../schema/index.ts'
import {
  type EditOutputInput,
  editOutputInput,
  type GeneratedOutputInput,
  generatedOutputInput,
  outputInput,
  type RequestOutputInput,
  requestOutputInput,
} from '../types/inputs.ts'
import { newestFirst } from './order.ts'

type Output = Row<typeof table>
export type OutputClaim = Claim<typeof table>

/**
 * Texts that are generated from a project. A user asks for them and reads them; workers, as the service role, claim
 * them, one batch after the other, and complete each with its claim. Bound to a user (`tenant()`), a worker works
 * for that user alone.
 */
export const outputs = defineRepository(table, {
  tenant: 'userId',
  // Follow from the verbs.
  readOnly: ['status', 'body', 'leaseToken', 'attempts', 'availableAt', 'lastError'],
  schema: { create: outputInput },
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /**
     * Asks for an output: it is queued. The tone of voice is the one of the user's profile, unless the request has
     * one. Throws ForeignKeyError when the user has no such project, PlanLimitError when the month's are used up; an
     * output that is given up later gives its unit back.
     */
    async request(input: RequestOutputInput): Promise<Output> {
      const values = parseInput(table, requestOutputInput, input)
      const [output] = await repository.statement(
        'request',
        ({ tenant, gate, value }) => {
          const request = value('request', table.request)
          return {
            returns: getTableColumns(table),
            query: (columns) => sql`insert into ${table} (user_id, project_id, kind, request)
              select ${tenant}, ${value('projectId', table.projectId)}, ${value('kind', table.kind)},
                coalesce(
                  (
                    select jsonb_build_object('tone_of_voice', ${profiles.toneOfVoice})
                    from ${profiles}
                    where ${profiles.userId} = ${tenant} and ${profiles.toneOfVoice} is not null
                  ),
                  '{}'
                ) || ${request}
              where ${gate}
              returning ${columns}`,
          }
        },
        values,
      )
      if (output === undefined)
        throw new DatabaseError('The output was not written', { table: getTableName(table) })
      return output
    },

    /**
     * Keeps a user's own version of a text that was generated, or other metadata. Throws StaleTransitionError unless
     * the output is completed, NotFoundError when the user has no such output.
     */
    async edit(id: string, input: EditOutputInput): Promise<Output> {
      const changes = parseInput(table, editOutputInput, input)
      const fields = (['body', 'metadata'] as const).filter((field) => changes[field] !== undefined)
      return changeState(table, repository, {
        verb: `edit ${fields.join(', ')}`,
        tenant: table.userId,
        row: { id },
        column: table.status,
        from: ['completed'],
        set: (value) => fields.map((field) => assign(table[field], value(field, table[field]))),
        values: changes,
      })
    },

    /**
     * Takes up to `limit` (1 unless it says otherwise) outputs to be generated, the oldest first: queued ones, and
     * those whose worker let its lease of an hour run out, after the wait of a failed one. No other worker gets them. Service role only.
     */
    async claim(
      options: { readonly limit?: number; readonly leaseSeconds?: number } = {},
    ): Promise<readonly OutputClaim[]> {
      return (await outputClaims.claim(executor, options)).claims
    },

    /**
     * processing → completed, with what was generated. With the same claim again it changes nothing. Throws
     * StaleTransitionError when the lease ran out and another worker took over. Service role only.
     */
    async complete(claim: ClaimKey, input: GeneratedOutputInput): Promise<void> {
      await outputClaims.finish(executor, claim, { set: parseInput(table, generatedOutputInput, input) })
    },

    /**
     * Puts an output back to be tried again after a wait, or gives it up (`failed`) after its last attempt, or at once
     * where `final` says that trying again can't help. `reason` is kept in `lastError`. Service role only.
     */
    async fail(
      claim: ClaimKey,
      reason: string,
      options: { readonly final?: boolean } = {},
    ): Promise<'retried' | 'failed'> {
      return outputClaims.fail(executor, claim, reason, options)
    },

    /** Holds a claim for another hour. Throws StaleTransitionError when it is lost. Service role only. */
    async renew(claim: ClaimKey): Promise<void> {
      await outputClaims.renew(executor, claim)
    },

    /** Gives claims back, as if they had never been taken: for a worker that stops. Service role only. */
    async release(claims: readonly ClaimKey[]): Promise<void> {
      await outputClaims.release(executor, claims)
    },

    /** What waits, what runs, and what is stuck (`expired`). Service role only. */
    async backlog(): Promise<Backlog> {
      return outputClaims.backlog(executor)
    },
  }),
})
