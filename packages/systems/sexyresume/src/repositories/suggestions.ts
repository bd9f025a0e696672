import { defineRepository, parseInput, type Row } from '@tenantry/repository'
import { assign, changeState } from '@tenantry/workflow'
import { getTableColumns, sql } from 'drizzle-orm'
import { suggestionMachine } from '../database/requests.ts'
import { enhancementSuggestions as table } from '../schema/index.ts'
import { type ModifySuggestionInput, modifySuggestionInput } from '../types/inputs.ts'

type Suggestion = Row<typeof table>

/**
 * What enhancements propose. A customer decides once on each: verbs throw StaleTransitionError when it is
 * decided, NotFoundError when the user has no such suggestion.
 */
export const suggestions = defineRepository(table, {
  tenant: 'userId',
  // Follow from the verbs.
  readOnly: ['userAction', 'userModifiedText', 'appliedAt'],
  defaultSort: [{ createdAt: 'asc' }],
  verbs: (repository) => {
    const decide = (id: string, to: 'accepted' | 'rejected'): Promise<Suggestion> =>
      changeState(table, repository, {
        verb: to,
        column: table.userAction,
        tenant: table.userId,
        row: { id },
        from: suggestionMachine.from(to),
        to,
      })
    return {
      /** pending → accepted; stamps `appliedAt`. */
      accept: (id: string): Promise<Suggestion> => decide(id, 'accepted'),

      /** pending → rejected. */
      reject: (id: string): Promise<Suggestion> => decide(id, 'rejected'),

      /** pending → modified, with the customer's own words; stamps `appliedAt`. */
      async modify(id: string, input: ModifySuggestionInput): Promise<Suggestion> {
        return changeState(table, repository, {
          verb: 'modify',
          column: table.userAction,
          tenant: table.userId,
          row: { id },
          from: suggestionMachine.from('modified'),
          to: 'modified',
          set: (value) => [assign(table.userModifiedText, value('userModifiedText', table.userModifiedText))],
          values: parseInput(table, modifySuggestionInput, input),
        })
      },

      /** Accepts what is still pending of a request, from the given confidence (0 to 1) up, and answers it. */
      async acceptAll(
        requestId: string,
        options: { readonly minConfidence?: number } = {},
      ): Promise<Suggestion[]> {
        return repository.statement(
          'accept all',
          ({ tenant, gate, value }) => ({
            returns: getTableColumns(table),
            query: (columns) => sql`update ${table} set user_action = 'accepted'
              where ${table.requestId} = ${value('requestId', table.requestId)} and ${table.userId} = ${tenant}
                and ${table.userAction} = 'pending'
                and ${table.confidence} >= ${value('minConfidence', table.confidence)} and ${gate}
              returning ${columns}`,
          }),
          { requestId, minConfidence: options.minConfidence ?? 0 },
        )
      },
    }
  },
})
