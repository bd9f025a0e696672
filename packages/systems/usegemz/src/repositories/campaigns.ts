import { defineRepository, parseInput, type Row } from '@tenantry/repository'
import { changeState } from '@tenantry/workflow'
import { getTableColumns, sql } from 'drizzle-orm'
import { campaignMachine } from '../database/campaigns.ts'
import { campaigns as table, type scrapingJobs } from '../schema/index.ts'
import type { CampaignStatus } from '../types/enums.ts'
import { campaignChanges, campaignInput, type LaunchInput, launchInput } from '../types/inputs.ts'
import { jobs, jobOf } from './jobs.ts'
import { newestFirst } from './order.ts'

type Campaign = Row<typeof table>

/** A campaign and the search that it began with. */
export interface Launched {
  readonly campaign: Campaign
  readonly job: Row<typeof scrapingJobs>
}

/**
 * What searches are made for. `create` makes a draft; one that has searches can't be removed, only archived.
 * Verbs that move a campaign throw StaleTransitionError when its status doesn't lead there or another caller was
 * faster, and NotFoundError when the person has no such campaign. After a trial that was not converted no campaign is
 * made or activated, by whatever means: PlanLimitError, with the reason `standing`.
 */
export const campaigns = defineRepository(table, {
  tenant: 'userId',
  readOnly: ['status'],
  schema: { create: campaignInput, update: campaignChanges },
  defaultSort: newestFirst,
  verbs: (repository, executor) => {
    const move = (verb: string, id: string, to: CampaignStatus): Promise<Campaign> =>
      changeState(table, repository, {
        verb,
        tenant: table.userId,
        row: { id },
        column: table.status,
        from: campaignMachine.from(to),
        to,
      })
    return {
      /** Makes an active campaign and its first search, both or neither. */
      async launch(input: LaunchInput): Promise<Launched> {
        const { search, name, description = null } = parseInput(table, launchInput, input)
        return executor.transaction(async (within) => {
          const [campaign] = await campaigns.bind(within).statement(
            'launch',
            ({ tenant, gate, value }) => ({
              returns: getTableColumns(table),
              query: (columns) => sql`insert into ${table} (user_id, name, description, search_type, status)
                select ${tenant}, ${value('name', table.name)}, ${value('description', table.description)},
                  ${value('searchType', table.searchType)}, 'active'
                where ${gate}
                returning ${columns}`,
            }),
            { name, description, searchType: search.searchType },
          )
          if (campaign === undefined) throw new Error('An insert answered no row')
          return { campaign, job: await jobs.bind(within).create(jobOf(search, campaign.id)) }
        })
      },

      /** draft | completed | archived → active. */
      async activate(id: string): Promise<Campaign> {
        return move('activate', id, 'active')
      },

      /** active → completed. */
      async complete(id: string): Promise<Campaign> {
        return move('complete', id, 'completed')
      },

      /** Any other status → archived. */
      async archive(id: string): Promise<Campaign> {
        return move('archive', id, 'archived')
      },
    }
  },
})
