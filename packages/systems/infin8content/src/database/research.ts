import { lazyModule } from '@tenantry/core'
import { sqlFunction, trigger } from '@tenantry/ddl'
import { tavilyResearchCache } from '../schema/index.ts'

const FUNCTION = { schema: 'tenantry', name: 'normalize_research_query' }

/** `expression` as the cache keys it: in lower case, one space between words, none around. */
export const normalizedQuery = (expression: string): string =>
  `lower(btrim(regexp_replace(${expression}, '[[:space:]]+', ' ', 'g')))`

/** Whoever writes a query, it is the key by which everybody finds it. */
export const research = lazyModule({
  name: 'research cache',
  objects: () => [
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
})
