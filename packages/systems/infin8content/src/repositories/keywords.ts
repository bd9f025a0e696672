import { ConfigurationError, ValidationError } from '@tenantry/core'
import { defineRepository, parseInput, type Row } from '@tenantry/repository'
import { changeState } from '@tenantry/workflow'
import { getTableColumns, getTableName, sql, type SQL } from 'drizzle-orm'
import {
  filterMachine,
  keywordArticleMachine,
  longtailMachine,
  subtopicsMachine,
} from '../database/statuses.ts'
import { keywords as table } from '../schema/index.ts'
import type { ExpansionStatus, KeywordArticleStatus } from '../types/enums.ts'
import {
  type ChildKeywordsInput,
  childKeywordsInput,
  type DecideKeywordsInput,
  decideKeywordsInput,
  keywordChanges,
  keywordInput,
  type SeedKeywordsInput,
  seedKeywordsInput,
} from '../types/inputs.ts'
import { type ExpandInput, expandInput } from '../types/usage-inputs.ts'
import { expanded, type FoundKeywords } from './expansion.ts'
import { type KeywordTree, treeOf } from './keyword-tree.ts'
import { newestFirst } from './order.ts'

type Keyword = Row<typeof table>

/**
 * Seeds, longtails and subtopics. In a workflow a keyword is there once, whatever its case and the space around
 * it; keywords of no workflow count as one workflow. A parent of another workflow or of the wrong type is a
 * ForeignKeyError, by raw SQL too.
 */
export const keywords = defineRepository(table, {
  tenant: 'organizationId',
  // Follow from the verbs.
  readOnly: ['longtailStatus', 'subtopicsStatus', 'articleStatus', 'filterStatus'],
  schema: { create: keywordInput, update: keywordChanges },
  defaultSort: newestFirst,
  verbs: (repository, executor) => {
    const move = (
      id: string,
      column: (typeof EXPANDED)[keyof typeof EXPANDED],
      to: string,
      from: readonly string[],
      own: Pick<typeof repository, 'statement' | 'get'> = repository,
    ) =>
      changeState(table, own, {
        verb: `move ${column.name}`,
        tenant: table.organizationId,
        row: { id },
        column,
        from,
        to,
      })
    return {
      /** Keeps the seeds that were found, and answers those that weren't there before. */
      async addSeeds(input: SeedKeywordsInput): Promise<Keyword[]> {
        const { workflowId, keywords: found } = parseInput(table, seedKeywordsInput, input)
        return repository.statement(
          'add seeds',
          ({ tenant, gate, value }) => ({
            returns: getTableColumns(table),
            query: insertFound(
              sql`${tenant}, ${value('workflowId', table.workflowId)}, null, 'seed'`,
              sql`${value('found')}::jsonb`,
              sql`where ${gate}`,
            ),
          }),
          { workflowId, found: recordsOf(found) },
        )
      },

      /**
       * Keeps the longtails that were found for a seed, in its workflow, and answers those that weren't there
       * before. Throws NotFoundError when there is no such seed, ValidationError when the parent is no seed.
       */
      async addLongtails(input: ChildKeywordsInput): Promise<Keyword[]> {
        return addChildren('longtail', 'seed', input)
      },

      /** The same for the subtopics of a longtail. */
      async addSubtopics(input: ChildKeywordsInput): Promise<Keyword[]> {
        return addChildren('subtopic', 'longtail', input)
      },

      /**
       * Has longtails found for a seed, in another service: holds room for `max` (50 unless given) keywords and the
       * estimated cost, calls `find` with nothing open in the database, keeps at most so many of what it answers,
       * and answers those that weren't there before. not_started | failed | complete → processing → complete, or
       * failed when anything throws; what failed costs nothing, but for what the search itself cost.
       *
       * @throws PlanLimitError when the plan has no room for them: nobody was asked.
       * @throws StaleTransitionError when somebody else is at it.
       */
      async expandLongtails(input: ExpandInput, find: Find): Promise<Keyword[]> {
        return expand('longtail', 'seed', input, find)
      },

      /** The same for the subtopics of a longtail. */
      async expandSubtopics(input: ExpandInput, find: Find): Promise<Keyword[]> {
        return expand('subtopic', 'longtail', input, find)
      },

      /**
       * All keywords of a workflow (null: of none) in their hierarchy: on each level the oldest first, and by name
       * those that were found together. One query;
       * a workflow has some fifty keywords, and fifty thousand are still answered.
       */
      async tree(workflowId: string | null): Promise<KeywordTree[]> {
        const rows = await repository.statement(
          workflowId === null ? 'tree of none' : 'tree',
          ({ tenant, gate, value }) => ({
            returns: getTableColumns(table),
            query: (columns) => sql`select ${columns} from ${table}
              where ${table.organizationId} = ${tenant}
                and ${table.workflowScope} = ${workflowId === null ? tenant : value('workflowId', table.workflowId)}
                and ${gate}
              order by ${table.createdAt}, ${table.keywordNormalized}`,
          }),
          { workflowId },
        )
        return treeOf(rows)
      },

      /** Approves or rejects suggestions. Answers those whose verdict is a new one. */
      async decide(input: DecideKeywordsInput): Promise<Keyword[]> {
        const { ids, filterStatus } = parseInput(table, decideKeywordsInput, input)
        return repository.statement(
          `decide ${filterStatus}`,
          ({ tenant, gate, value }) => ({
            returns: getTableColumns(table),
            query: (columns) => sql`update ${table}
              set filter_status = ${sql.raw(`'${filterStatus}'`)}, user_selected = ${sql.raw(String(filterStatus === 'approved'))}
              where ${table.organizationId} = ${tenant} and ${table.id} = any (${value('ids')}::uuid[])
                and ${table.filterStatus} in (${sql.raw(
                  filterMachine
                    .from(filterStatus)
                    .map((state) => `'${state}'`)
                    .join(', '),
                )})
                and ${gate}
              returning ${columns}`,
          }),
          { ids: `{${ids.join(',')}}` },
        )
      },

      /** How far finding a keyword's longtails is. Throws StaleTransitionError for a step that isn't one. */
      async moveLongtails(id: string, to: ExpansionStatus): Promise<Keyword> {
        return move(id, EXPANDED.longtails, to, longtailMachine.from(to))
      },

      /** How far finding a keyword's subtopics is. */
      async moveSubtopics(id: string, to: ExpansionStatus): Promise<Keyword> {
        return move(id, EXPANDED.subtopics, to, subtopicsMachine.from(to))
      },

      /** How far a keyword's article is: `ready` chooses it for one. */
      async moveArticle(id: string, to: KeywordArticleStatus): Promise<Keyword> {
        return move(id, EXPANDED.article, to, keywordArticleMachine.from(to))
      },
    }

    async function expand(
      keywordType: 'longtail' | 'subtopic',
      parentType: 'seed' | 'longtail',
      input: ExpandInput,
      find: Find,
    ): Promise<Keyword[]> {
      const { id, max, estimatedCostUsd } = parseInput(table, expandInput, input)
      if (executor.database === undefined) {
        throw new ConfigurationError('Finding keywords would keep the transaction open', {
          hint: 'Call it outside transaction()',
        })
      }
      const keyword = await repository.get(id)
      checkType('id', keyword, parentType)
      const [column, machine] =
        keywordType === 'longtail'
          ? [EXPANDED.longtails, longtailMachine]
          : [EXPANDED.subtopics, subtopicsMachine]
      return expanded(
        {
          executor,
          token: crypto.randomUUID(),
          max,
          estimatedCostUsd,
          move: (to, within) => move(id, column, to, machine.from(to), keywords.bind(within)),
          add: (found, within) =>
            addChildren(keywordType, parentType, { parentId: id, keywords: found }, within),
        },
        () => find({ keyword, max }),
      )
    }

    async function addChildren(
      keywordType: 'longtail' | 'subtopic',
      parentType: 'seed' | 'longtail',
      input: ChildKeywordsInput,
      outer = executor,
    ): Promise<Keyword[]> {
      const { parentId, keywords: found } = parseInput(table, childKeywordsInput, input)
      return outer.transaction(async (within) => {
        const own = keywords.bind(within)
        const parent = await own.get(parentId)
        checkType('parentId', parent, parentType)
        return own.statement(
          `add ${keywordType}s`,
          ({ tenant, value }) => ({
            returns: getTableColumns(table),
            query: insertFound(
              sql`${tenant}, ${value('workflowId', table.workflowId)}, ${value('parentId', table.parentSeedKeywordId)},
                ${sql.raw(`'${keywordType}'`)}`,
              sql`${value('found')}::jsonb`,
              sql``,
            ),
          }),
          { workflowId: parent.workflowId, parentId, found: recordsOf(found) },
        )
      })
    }
  },
})

/** Asks another service for keywords; called with nothing open in the database. */
export type Find = (ask: { readonly keyword: Keyword; readonly max: number }) => Promise<FoundKeywords>

function checkType(path: string, { keywordType }: Keyword, type: 'seed' | 'longtail'): void {
  if (keywordType === type) return
  const message = `must be a ${type}, and is a ${keywordType}`
  throw new ValidationError(`Invalid input for ${getTableName(table)}: ${path}: ${message}`, [
    { path, message },
  ])
}

const EXPANDED = {
  longtails: table.longtailStatus,
  subtopics: table.subtopicsStatus,
  article: table.articleStatus,
} as const

/** The fields of a found keyword: property, column, and what stands for one that was left out. */
const FOUND = [
  ['keyword', 'keyword', 'text', ''],
  ['competitorUrlId', 'competitor_url_id', 'uuid', ''],
  ['searchVolume', 'search_volume', 'integer', ''],
  ['competitionIndex', 'competition_index', 'numeric', ''],
  ['costPerClick', 'cost_per_click', 'numeric', ''],
  ['keywordDifficulty', 'keyword_difficulty', 'integer', ''],
  ['aiSuggested', 'ai_suggested', 'boolean', 'false'],
  ['userSelected', 'user_selected', 'boolean', 'false'],
  ['decisionConfidence', 'decision_confidence', 'numeric', ''],
  ['decisionMetadata', 'decision_metadata', 'jsonb', `'{}'`],
  ['subtopics', 'subtopics', 'jsonb', `'[]'`],
  ['source', 'source', 'text', ''],
  ['metadata', 'metadata', 'jsonb', `'{}'`],
] as const

const FOUND_COLUMNS = FOUND.map(([, column]) => column).join(', ')
const FOUND_TYPES = FOUND.map(([, column, type]) => `${column} ${type}`).join(', ')
const FOUND_VALUES = FOUND.map(([, column, , fallback]) =>
  fallback === '' ? `found.${column}` : `coalesce(found.${column}, ${fallback})`,
).join(', ')

/** As JSON, one parameter for any number of keywords. */
function recordsOf(found: readonly Readonly<Record<string, unknown>>[]): string {
  return JSON.stringify(
    found.map((each) => Object.fromEntries(FOUND.map(([property, column]) => [column, each[property]]))),
  )
}

/** A keyword that is there already, or twice in the list, is passed over. */
function insertFound(place: SQL, found: SQL, where: SQL): (columns: SQL) => SQL {
  return (columns) => sql`insert into ${table}
      (organization_id, workflow_id, parent_seed_keyword_id, keyword_type, ${sql.raw(FOUND_COLUMNS)})
    select ${place}, ${sql.raw(FOUND_VALUES)}
    from jsonb_to_recordset(${found}) as found (${sql.raw(FOUND_TYPES)})
    ${where}
    on conflict (organization_id, keyword_normalized, workflow_id) do nothing
    returning ${columns}`
}
