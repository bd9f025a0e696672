import { NotFoundError, StaleTransitionError } from '@tenantry/core'
import { defineRepository, nestedRows, parseInput, type Row } from '@tenantry/repository'
import { changeState } from '@tenantry/workflow'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { articleMachine } from '../database/statuses.ts'
import { articles as table, articleSections } from '../schema/index.ts'
import { WORDS_PER_MINUTE } from '../types/enums.ts'
import { articleChanges, articleInput, type OutlineInput, outlineInput } from '../types/inputs.ts'
import { newestFirst } from './order.ts'
import { sections } from './sections.ts'

type Article = Row<typeof table>
type Section = Row<typeof articleSections>

/**
 * Articles and how far they are. Verbs that move one throw StaleTransitionError when its state doesn't lead
 * there or another caller was faster, and NotFoundError when the organization has no such article.
 */
export const articles = defineRepository(table, {
  tenant: 'organizationId',
  // Follow from the verbs here and from `publishReferences`.
  readOnly: [
    'status',
    'publishStatus',
    'wordpressPostId',
    'wordpressUrl',
    'publishedAt',
    'completedAt',
    'deliveredAt',
  ],
  schema: { create: articleInput, update: articleChanges },
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /**
     * Gives an article that isn't published its sections, in this order, in place of those it had. Each waits to
     * be claimed by a writer.
     */
    async outline(input: OutlineInput): Promise<Section[]> {
      const { articleId, sections: outlined } = parseInput(table, outlineInput, input)
      return executor.transaction(async (within) => {
        const article = await articles.bind(within).get(articleId)
        if (article.status === 'published') {
          throw new StaleTransitionError('The sections of a published article stay as they are', {
            table: getTableName(table),
          })
        }
        const own = sections.bind(within)
        await own.clear(articleId)
        return own.createMany(
          outlined.map((section, at) => ({ ...section, articleId, sectionOrder: at + 1 })),
        )
      })
    },

    /** An article with its sections in their order. One query. */
    async withSections(id: string): Promise<Article & { readonly sections: readonly Section[] }> {
      const [found] = await repository.statement(
        'with sections',
        ({ tenant, gate, value }) => ({
          returns: {
            ...getTableColumns(table),
            sections: nestedRows(
              getTableColumns(articleSections),
              (row) => sql`select ${row} from ${articleSections}
                where ${articleSections.organizationId} = ${tenant} and ${articleSections.articleId} = ${table.id}
                order by ${articleSections.sectionOrder}`,
            ),
          },
          query: (columns) => sql`select ${columns} from ${table}
            where ${table.organizationId} = ${tenant} and ${table.id} = ${value('id', table.id)} and ${gate}`,
        }),
        { id },
      )
      if (found === undefined)
        throw new NotFoundError('There is no such article', { table: getTableName(table) })
      return found
    },

    /**
     * draft | failed | completed → generating: its sections can be claimed. The first time it is one of the month's articles; until it was
     * completed once, a failure gives that back.
     *
     * @throws PlanLimitError when the plan has no article left in this month.
     */
    async startGenerating(id: string): Promise<Article> {
      return changeState(table, repository, {
        verb: 'start generating',
        tenant: table.organizationId,
        row: { id },
        column: table.status,
        from: articleMachine.from('generating'),
        to: 'generating',
      })
    },

    /**
     * generating → completed, once every section is: the content is theirs in their order, with an empty line
     * between, and its words are counted. Throws StaleTransitionError while a section isn't completed.
     */
    async finishGenerating(id: string): Promise<Article> {
      return changeState(table, repository, {
        verb: 'finish generating',
        tenant: table.organizationId,
        row: { id },
        column: table.status,
        from: articleMachine.from('completed'),
        to: 'completed',
        set: () => [ASSEMBLED],
        where: ({ tenant }) => sql`not exists (
          select from ${articleSections}
          where ${articleSections.organizationId} = ${tenant} and ${articleSections.articleId} = ${table.id}
            and ${articleSections.status} <> 'completed'
        )`,
      }).catch(async (error: unknown) => {
        if (!(error instanceof StaleTransitionError)) throw error
        const open = await sections
          .bind(executor)
          .count({ where: { articleId: id, status: { ne: 'completed' } } })
        if (open === 0) throw error
        throw new StaleTransitionError(`${open} sections of the article aren't completed`, {
          table: getTableName(table),
          cause: error,
          hint: 'Finish them first, or fail the article',
        })
      })
    },

    /** generating → failed. */
    async failGenerating(id: string): Promise<Article> {
      return changeState(table, repository, {
        verb: 'fail generating',
        tenant: table.organizationId,
        row: { id },
        column: table.status,
        from: articleMachine.from('failed'),
        to: 'failed',
      })
    },
  }),
})

const ASSEMBLED = sql`(content, word_count, reading_time) = (
  select whole.content, whole.words, ceil(whole.words / ${sql.raw(`${WORDS_PER_MINUTE}.0`)})
  from (
    select parts.content, cardinality(regexp_split_to_array(btrim(parts.content), '[[:space:]]+')) as words
    from (
      select string_agg(${articleSections.content}, E'\\n\\n' order by ${articleSections.sectionOrder}) as content
      from ${articleSections}
      where ${articleSections.organizationId} = ${table.organizationId} and ${articleSections.articleId} = ${table.id}
    ) as parts
  ) as whole
)`
