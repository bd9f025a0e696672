import { DatabaseError, type Executor } from '@tenantry/core'
import { defineRepository, parseInput, type Row } from '@tenantry/repository'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { normalizedQuery } from '../database/research.ts'
import { tavilyResearchCache as table } from '../schema/index.ts'
import {
  cacheEntryInput,
  type FillOptions,
  fillOptionsInput,
  type RememberInput,
  rememberInput,
  researchQueryInput,
} from '../types/inputs.ts'
import type { ResearchResults } from '../types/metadata.ts'
import { newestFirst } from './order.ts'
import { usage } from './usage.ts'

type Entry = Row<typeof table>

/** What the research service answered, and what is noted with it. */
export interface Researched {
  readonly results: ResearchResults
  readonly sourceCount?: number
  /** In US dollars. Left out: what was estimated. */
  readonly costUsd?: number
}

/** First and longest wait between two looks at what somebody else is filling, in milliseconds. */
const LOOK_MS = 25
const LOOK_MS_MAX = 500

/**
 * Results of research, kept for 24 hours by the database's clock. The same query in another case, or with
 * other space, is the same query.
 */
export const research = defineRepository(table, {
  tenant: 'organizationId',
  readOnly: ['fillToken', 'fillUntil'],
  schema: { create: cacheEntryInput },
  defaultSort: newestFirst,
  verbs: (repository, executor) => {
    const lookup = async (query: string): Promise<Entry | null> => {
      const [hit] = await repository.statement(
        'lookup',
        ({ tenant, gate, value }) => ({
          returns: getTableColumns(table),
          query: (columns) => sql`select ${columns} from ${table}
            where ${table.organizationId} = ${tenant}
              and ${table.researchQuery} = ${normalized(value('query', table.researchQuery))}
              and ${table.cachedUntil} > now() and ${gate}`,
        }),
        parseInput(table, researchQueryInput, { query }),
      )
      return hit ?? null
    }
    return {
      /** The entry of a query that hasn't expired, or null. */
      lookup,

      /** Keeps what is known about a query, in place of what was. */
      async remember(input: RememberInput): Promise<Entry> {
        const { sourceCount, metadata, ...entry } = parseInput(table, rememberInput, input)
        const [kept] = await repository.statement(
          'remember',
          ({ tenant, gate, value }) => ({
            returns: getTableColumns(table),
            query: (columns) => sql`insert into ${table}
                (organization_id, research_query, research_results, cached_until, source_count, metadata)
              select ${tenant}, ${value('query', table.researchQuery)}, ${value('results', table.researchResults)},
                now() + ${value('hours')}::float8 * interval '1 hour', ${value('sourceCount', table.sourceCount)},
                ${value('metadata', table.metadata)}
              where ${gate}
              on conflict (organization_id, research_query) do update
                set research_results = excluded.research_results, cached_until = excluded.cached_until,
                  source_count = excluded.source_count, metadata = excluded.metadata, fill_token = null, fill_until = null
              returning ${columns}`,
          }),
          { ...entry, sourceCount: sourceCount ?? null, metadata: metadata ?? {} },
        )
        if (kept === undefined)
          throw new DatabaseError('The entry was not written', { table: getTableName(table) })
        return kept
      },

      /**
       * The results of a query: those that are kept, or what `fill` answers, which is then kept. Of any number of
       * callers in any number of processes one calls `fill`, and the others wait for it; should it fail, or take
       * longer than `leaseSeconds` (60 unless given), the next one does. What a late one answers is still kept,
       * unless another was faster.
       *
       * A hit costs nothing. To ask is a research query of the plan, held with its estimated cost while `fill` runs
       * and given back when it fails.
       *
       * @throws PlanLimitError when the plan has no query left, or no money for it: nobody was asked.
       *
       * Not inside `transaction()`: others would see nothing of it, and wait for its end.
       */
      async cached(
        query: string,
        fill: () => Promise<Researched>,
        options: FillOptions = {},
      ): Promise<ResearchResults> {
        const { hours, leaseSeconds, estimatedCostUsd } = parseInput(table, fillOptionsInput, options)
        for (let wait = LOOK_MS; ; wait = Math.min(wait * 2, LOOK_MS_MAX)) {
          const hit = await lookup(query)
          if (hit !== null) return hit.researchResults
          const token = crypto.randomUUID()
          if (await taken(executor, { query, token, leaseSeconds })) {
            return filled(executor, { query, token, hours, estimatedCostUsd }, fill)
          }
          await new Promise((resolve) => setTimeout(resolve, wait))
        }
      },

      /** Forgets a query. Answers whether it was known. */
      async forget(query: string): Promise<boolean> {
        const gone = await repository.statement(
          'forget',
          ({ tenant, gate, value }) => ({
            returns: { id: table.id },
            query: (columns) => sql`delete from ${table}
              where ${table.organizationId} = ${tenant}
                and ${table.researchQuery} = ${normalized(value('query', table.researchQuery))} and ${gate}
              returning ${columns}`,
          }),
          parseInput(table, researchQueryInput, { query }),
        )
        return gone.length > 0
      },
    }
  },
})

/** The same in SQL as the trigger makes it. */
function normalized(query: ReturnType<typeof sql>) {
  const [before = '', after = ''] = normalizedQuery('\0').split('\0')
  return sql`${sql.raw(before)}${query}${sql.raw(after)}`
}

interface Filling {
  readonly query: string
  readonly token: string
}

/** Whether the caller is the one to fill: there is no live entry, and nobody else is at it. */
async function taken(
  executor: Executor,
  filling: Filling & { readonly leaseSeconds: number },
): Promise<boolean> {
  const rows = await research.bind(executor).statement(
    'take',
    ({ tenant, gate, value }) => ({
      returns: { id: table.id },
      query: (columns) => sql`insert into ${table}
          (organization_id, research_query, research_results, cached_until, fill_token, fill_until)
        select ${tenant}, ${value('query', table.researchQuery)}, '[]', now(), ${value('token', table.fillToken)},
          now() + ${value('leaseSeconds')}::float8 * interval '1 second'
        where ${gate}
        on conflict (organization_id, research_query) do update
          set fill_token = excluded.fill_token, fill_until = excluded.fill_until
          where ${table.cachedUntil} <= now() and coalesce(${table.fillUntil} <= now(), true)
        returning ${columns}`,
    }),
    { ...filling },
  )
  return rows.length > 0
}

async function filled(
  executor: Executor,
  filling: Filling & { readonly hours: number; readonly estimatedCostUsd: number },
  fill: () => Promise<Researched>,
): Promise<ResearchResults> {
  const { query, token, hours, estimatedCostUsd } = filling
  let answer: Researched
  try {
    answer = await usage
      .bind(executor)
      .withHold(
        { metric: 'research_queries', count: 1, costUsd: estimatedCostUsd, key: `research:${token}` },
        fill,
        ({ costUsd }) => (costUsd === undefined ? {} : { costUsd }),
      )
  } catch (error) {
    await released(executor, { query, token })
    throw error
  }
  const { results, sourceCount } = parseInput(
    table,
    rememberInput.pick({ results: true, sourceCount: true }),
    { results: answer.results, sourceCount: answer.sourceCount },
  )
  await research.bind(executor).statement(
    'fill',
    ({ tenant, gate, value }) => ({
      returns: { id: table.id },
      query: (columns) => sql`update ${table}
        set research_results = ${value('results', table.researchResults)}, fill_token = null, fill_until = null,
          cached_until = now() + ${value('hours')}::float8 * interval '1 hour', source_count = ${value('sourceCount', table.sourceCount)}
        where ${table.organizationId} = ${tenant}
          and ${table.researchQuery} = ${normalized(value('query', table.researchQuery))}
          and ${table.fillToken} = ${value('token', table.fillToken)} and ${gate}
        returning ${columns}`,
    }),
    { query, token, hours, results, sourceCount: sourceCount ?? null },
  )
  return results
}

/** Lets the next caller fill at once. */
async function released(executor: Executor, filling: Filling): Promise<void> {
  await research.bind(executor).statement(
    'release',
    ({ tenant, gate, value }) => ({
      returns: { id: table.id },
      query: (columns) => sql`update ${table} set fill_token = null, fill_until = null
        where ${table.organizationId} = ${tenant}
          and ${table.researchQuery} = ${normalized(value('query', table.researchQuery))}
          and ${table.fillToken} = ${value('token', table.fillToken)} and ${gate}
        returning ${columns}`,
    }),
    { ...filling },
  )
}
