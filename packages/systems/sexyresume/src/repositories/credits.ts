import { type Executor, LimitError } from '@tenantry/core'
import { defineRepository, parseInput, serviceOnly } from '@tenantry/repository'
import { getTableName, sql } from 'drizzle-orm'
import { creditBalances, creditTransactions as table } from '../schema/index.ts'
import { type CreditsInput, creditsInput } from '../types/inputs.ts'
import { newestFirst } from './order.ts'

/**
 * Credits that came and went: written once, by the verbs alone. The balance is their sum and never below zero,
 * whoever spends at the same time. With an idempotency key, the same call again is the same entry; the key of
 * another entry is a UniqueViolationError.
 */
export const credits = defineRepository(table, {
  tenant: 'userId',
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /** What the user may spend. */
    async balance(): Promise<number> {
      const [row] = await repository.statement('balance', ({ tenant, gate }) => ({
        returns: { balance: creditBalances.balance },
        query: (columns) => sql`select ${columns} from ${creditBalances}
          where ${creditBalances.userId} = ${tenant} and ${gate}`,
      }))
      return row?.balance ?? 0
    },

    /** Gives credits, and answers the new balance. Service role only. */
    async award(input: CreditsInput): Promise<number> {
      serviceOnly(executor, 'award')
      return executor.transaction(async (within) => {
        await post(within, 'award_credits', input)
        return credits.bind(within).balance()
      })
    },

    /** Spends credits, and answers the new balance. Throws LimitError, with nothing spent, when there are too few. */
    async spend(input: CreditsInput): Promise<number> {
      return executor.transaction(async (within) => {
        const spent = await post(within, 'spend_credits', input)
        if (!spent) {
          throw new LimitError('There are not enough credits', {
            table: getTableName(table),
            hint: 'balance() says how many there are',
          })
        }
        return credits.bind(within).balance()
      })
    },
  }),
})

async function post(
  executor: Executor,
  name: 'award_credits' | 'spend_credits',
  input: CreditsInput,
): Promise<boolean> {
  const { description = null, idempotencyKey = null, ...entry } = parseInput(table, creditsInput, input)
  const [answer] = await credits.bind(executor).statement(
    name,
    ({ tenant, gate, value }) => ({
      returns: { done: sql<boolean>`answer.done` },
      query: (columns) => sql`select ${columns}
        from (
          select public.${sql.identifier(name)}(
            ${tenant}, ${value('amount', table.amount)}, ${value('source', table.source)},
            ${value('description', table.description)}, ${value('idempotencyKey', table.idempotencyKey)}
          )${sql.raw(name === 'award_credits' ? '::text is not null' : '')} as done
          where ${gate}
        ) as answer`,
    }),
    { ...entry, description, idempotencyKey },
  )
  return answer?.done === true
}
