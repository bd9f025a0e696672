import type { Connection, Module } from '@tenantry/core'
import { sqlFunction, trigger } from '@tenantry/ddl'
import { ROLES } from '@tenantry/rls'
import { tavilyResearchCache } from '../schema/index.ts'

const FUNCTION = { schema: 'tenantry', name: 'normalize_research_query' }

/** `expression` as the cache keys it: in lower case, one space between words, none around. */
export const normalizedQuery = (expression: string): string =>
  `lower(btrim(regexp_replace(${expression}, '[[:space:]]+', ' ', 'g')))`

/** Rows of one statement: a purge that was forgotten for a year doesn't hold locks for minutes. */
const BATCH_ROWS = 10_000

const PURGE = `
with expired as (
  select id
  from public.tavily_research_cache
  where cached_until < pg_catalog.now() and (fill_until is null or fill_until < pg_catalog.now())
  order by cached_until
  limit ${BATCH_ROWS}
  for update skip locked
)
delete from public.tavily_research_cache as entry using expired where entry.id = expired.id`

const AS_SERVICE = `set local role ${ROLES.service}`

/** Whoever writes a query, it is the key by which everybody finds it. Expired entries are removed. */
export const research: Module = {
  name: 'research cache',
  objects: [
    sqlFunction({
      ...FUNCTION,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      body: `begin\n  new.research_query := ${normalizedQuery('new.research_query')};\n  return new;\nend`,
    }),
    trigger({
      table: tavilyResearchCache,
      name: 'normalize_query',
      timing: 'before',
      events: ['insert', { updateOf: ['research_query'] }],
      execute: FUNCTION,
    }),
  ],
  jobs: [
    {
      name: 'purge research cache',
      schedule: '17 * * * *',
      description: 'Removes research results that have expired; while it does not run, the table grows',
      sql: `do $$ begin ${AS_SERVICE}; ${PURGE}; end $$`,
      async run(connection: Connection, options) {
        let changed = 0
        for (;;) {
          const removed = await purgeBatch(connection)
          changed += removed
          if (removed < BATCH_ROWS || options?.signal?.aborted === true) break
        }
        return { changed, message: `${changed} expired research results are removed` }
      },
    },
  ],
}

/** A transaction for each batch, as the service role, which a job's login need only be able to become. */
async function purgeBatch(connection: Connection): Promise<number> {
  await connection.script(`begin; ${AS_SERVICE}`)
  try {
    const { count } = await connection.query({ text: PURGE, params: [] })
    await connection.script('commit')
    return count
  } catch (error) {
    await connection.script('rollback')
    throw error
  }
}
