/** Finding keywords in another service: room and cost are held meanwhile, and what fails costs nothing. */
import type { Executor } from '@tenantry/core'
import type { Row } from '@tenantry/repository'
import type { keywords } from '../schema/index.ts'
import type { ExpansionStatus } from '../types/enums.ts'
import type { FoundKeywordInput } from '../types/inputs.ts'
import { abandonUsage, commitUsage, releaseUsage, reserveUsage } from './usage-holds.ts'

type Keyword = Row<typeof keywords>

/** What was found below a keyword, and what it cost. */
export interface FoundKeywords {
  readonly keywords: readonly FoundKeywordInput[]
  /** In US dollars. Left out: what was estimated. */
  readonly costUsd?: number
}

export interface Expansion {
  readonly executor: Executor
  /** Names this attempt. */
  readonly token: string
  readonly max: number
  readonly estimatedCostUsd: number
  move(to: ExpansionStatus, executor: Executor): Promise<Keyword>
  add(found: FoundKeywordInput[], executor: Executor): Promise<Keyword[]>
}

/**
 * One caller at a time, by the keyword's status. Room is released in the transaction that fills it, so that nobody
 * else can take it in between; what the search cost is used whatever becomes of that.
 */
export async function expanded(
  { executor, token, max, estimatedCostUsd, move, add }: Expansion,
  find: () => Promise<FoundKeywords>,
): Promise<Keyword[]> {
  const { count, cost, metric } = await reserveUsage(executor, {
    metric: 'keywords',
    count: max,
    costUsd: estimatedCostUsd,
    key: `expansion:${token}`,
  })
  const [room, price] = [
    { metric, count, cost: null },
    { metric, count: null, cost },
  ]
  try {
    await move('processing', executor)
  } catch (error) {
    await abandonUsage(executor, { metric, count, cost })
    throw error
  }
  try {
    const found = await find().catch(async (error: unknown) => {
      await abandonUsage(executor, price)
      throw error
    })
    await commitUsage(executor, price, found.costUsd === undefined ? {} : { costUsd: found.costUsd })
    return await executor.transaction(async (within) => {
      await releaseUsage(within, room)
      const kept = found.keywords.slice(0, max)
      const added = kept.length === 0 ? [] : await add(kept, within)
      await move('complete', within)
      return added
    })
  } catch (error) {
    await abandonUsage(executor, room)
    // What went wrong is what the caller is to hear of.
    await move('failed', executor).catch(() => {})
    throw error
  }
}
