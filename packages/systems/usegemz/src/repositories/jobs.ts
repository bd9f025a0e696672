import { NotFoundError, StaleTransitionError, ValidationError } from '@tenantry/core'
import { defineRepository, nestedRows, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { assign, type Claim } from '@tenantry/workflow'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { z } from 'zod'
import { campaigns, scrapingJobs as table, scrapingResults } from '../schema/index.ts'
import { type Creator, creatorShape } from '../types/creators.ts'
import {
  type FoundInput,
  foundInput,
  jobInput,
  type JobInput,
  type SearchInput,
  type StartSearchInput,
  startSearchInput,
  type TrackInput,
  trackInput,
} from '../types/inputs.ts'
import { newestFirst } from './order.ts'

type Job = Row<typeof table>

/** A search with what it is for and what it has found. */
export interface JobDetail extends Job {
  readonly campaign: Row<typeof campaigns> | null
  /** The newest first. */
  readonly results: readonly Row<typeof scrapingResults>[]
}

/** What proves that a worker has the job, and says what it looks for. */
export type JobClaim = Pick<Claim<typeof table>, 'id' | 'token' | 'row'>

/**
 * Searches. A person starts them; workers claim them by `jobClaims`, keep what they find by `record`, and finish
 * them by the claim. Progress follows from the counts in the database. After a trial that was not converted none is
 * started (PlanLimitError, with the reason `standing`), and none that waits is worked on: it ends as `error`.
 */
export const jobs = defineRepository(table, {
  tenant: 'userId',
  readOnly: [
    'status',
    'runId',
    'qstashMessageId',
    'processedRuns',
    'processedResults',
    'cursor',
    'startedAt',
    'completedAt',
    'timeoutAt',
    'error',
    'leaseToken',
    'attempts',
    'availableAt',
  ],
  schema: { create: jobInput },
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /**
     * Another search of a campaign. Throws NotFoundError when the person has no such campaign, ValidationError
     * when the campaign is for the other kind of search, StaleTransitionError when it isn't active.
     */
    async start(input: StartSearchInput): Promise<Job> {
      const { campaignId, search } = parseInput(table, startSearchInput, input)
      return executor.transaction(async (within) => {
        const inside = jobs.bind(within)
        const [campaign] = await inside.statement(
          'campaign to search for',
          ({ tenant, value }) => ({
            returns: { searchType: campaigns.searchType, status: campaigns.status },
            query: (columns) => sql`select ${columns} from ${campaigns}
              where ${campaigns.id} = ${value('id', campaigns.id)} and ${campaigns.userId} = ${tenant}`,
          }),
          { id: campaignId },
        )
        const place = { table: getTableName(campaigns) }
        if (campaign === undefined) throw new NotFoundError('There is no such campaign', place)
        if (campaign.searchType !== search.searchType) {
          const message = `The campaign is for searches of the kind ${campaign.searchType}`
          throw new ValidationError(message, [{ path: 'search.searchType', message }], place)
        }
        if (campaign.status !== 'active') {
          throw new StaleTransitionError('The campaign is not active', {
            ...place,
            hint: 'activate() it first',
          })
        }
        return inside.create(jobOf(search, campaignId))
      })
    },

    /** A search with its campaign and results, in one query. Throws NotFoundError when the person has no such one. */
    async detail(id: string): Promise<JobDetail> {
      const [job] = await repository.statement(
        'detail',
        ({ tenant, gate, value }) => ({
          returns: {
            ...getTableColumns(table),
            campaigns: nestedRows(
              getTableColumns(campaigns),
              (row) => sql`select ${row} from ${campaigns}
                where ${campaigns.userId} = ${tenant} and ${campaigns.id} = ${table.campaignId}`,
            ),
            results: nestedRows(
              getTableColumns(scrapingResults),
              (row) => sql`select ${row} from ${scrapingResults}
                where ${scrapingResults.userId} = ${tenant} and ${scrapingResults.jobId} = ${table.id}
                order by ${scrapingResults.createdAt} desc, ${scrapingResults.id} desc`,
            ),
          },
          query: (columns) => sql`select ${columns} from ${table}
            where ${table.id} = ${value('id', table.id)} and ${table.userId} = ${tenant} and ${gate}`,
        }),
        { id },
      )
      if (job === undefined) throw missing()
      const { campaigns: found, ...rest } = job
      return { ...rest, campaign: found[0] ?? null }
    },

    /** Notes where the search runs, outside. Throws NotFoundError for an unknown search. Service role only. */
    async track(id: string, input: TrackInput): Promise<Job> {
      serviceOnly(executor, 'track')
      const values = parseInput(table, trackInput, input)
      const given = (['runId', 'qstashMessageId'] as const).filter(
        (property) => values[property] !== undefined,
      )
      const [tracked] = await repository.statement(
        `track ${given.join(', ')}`,
        ({ tenant, value }) => ({
          returns: getTableColumns(table),
          query: (columns) => sql`update ${table}
            set ${sql.join(
              given.map((property) => assign(table[property], value(property, table[property]))),
              sql`, `,
            )}
            where ${table.id} = ${value('id', table.id)} and ${table.userId} = ${tenant}
            returning ${columns}`,
        }),
        { id, ...values },
      )
      if (tracked === undefined) throw missing()
      return tracked
    },

    /**
     * Keeps what calls of the platform found, counts it and moves the cursor: all or nothing, in one statement
     * that adds to the counts as they are. Whoever takes the search over goes on behind it.
     *
     * Throws ValidationError for creators of another shape than the search's, StaleTransitionError when the claim
     * was lost. Service role only.
     */
    async record(claim: JobClaim, input: FoundInput): Promise<Job> {
      serviceOnly(executor, 'record')
      const { creators, cursor = null, runs } = parseInput(table, foundInput, input)
      const checked = parseInput(scrapingResults, resultsOf(claim.row), { creators })
      const [job] = await repository.statement(
        'record',
        ({ tenant, value }) => ({
          returns: getTableColumns(table),
          query: (columns) => sql`with counted as (
              update ${table} set
                processed_runs = ${table.processedRuns} + ${value('runs', table.processedRuns)},
                processed_results = ${table.processedResults} + ${value('found', table.processedResults)},
                cursor = coalesce(${value('cursor', table.cursor)}, ${table.cursor})
              where ${table.id} = ${value('id', table.id)} and ${table.userId} = ${tenant}
                and ${table.leaseToken} = ${value('token', table.leaseToken)} and ${table.status} = 'processing'
              returning *
            ), kept as (
              insert into ${scrapingResults} (user_id, job_id, creators)
              select ${tenant}, counted.id, ${value('creators', scrapingResults.creators)}
              from counted
              where ${value('found', table.processedResults)} > 0
            )
            select ${columns} from counted as ${sql.identifier(getTableName(table))}`,
        }),
        { id: claim.id, token: claim.token, runs, cursor, found: checked.creators.length, ...checked },
      )
      if (job !== undefined) return job
      throw new StaleTransitionError('The claim on this search is no longer valid', {
        table: getTableName(table),
        hint: 'Drop the work: another worker has the search, or its time has passed; nothing was kept',
      })
    },
  }),
})

/** What a search is, as its table has it. */
export function jobOf(search: SearchInput, campaignId: string): JobInput {
  const { searchType: _kind, ...fields } = search
  return { ...fields, campaignId }
}

function resultsOf({
  platform,
  targetUsername,
}: JobClaim['row']): z.ZodType<{ creators: readonly Creator[] }> {
  const shape = creatorShape(platform, targetUsername === null ? 'keyword' : 'similar')
  return z.object({ creators: z.array(shape ?? z.never()) })
}

function missing(): NotFoundError {
  return new NotFoundError('There is no such search', { table: getTableName(table) })
}
