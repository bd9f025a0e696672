import { DatabaseError, type Executor, NotFoundError } from '@tenantry/core'
import { type RepositoryDefinition, serviceOnly, type StatementParts } from '@tenantry/repository'
import { getTableName, sql, type SQL } from 'drizzle-orm'
import { classifiedTopics, generatedDrafts, rawTopics, users as table } from '../schema/index.ts'
import { users } from './users.ts'

/** One customer's numbers. */
export interface DashboardStats {
  readonly userId: string
  /** Classified topics that wait to be drafted. */
  readonly pendingTopics: number
  readonly draftsPending: number
  readonly draftsApproved: number
  readonly postsPublished: number
  readonly lastTopicDiscovered: Date | null
  readonly lastDraftGenerated: Date | null
}

export interface Dashboard {
  /** As they are now; fast enough to ask per request. Throws NotFoundError for an unknown user. */
  live(): Promise<DashboardStats>
  /**
   * As of the last refresh of user_dashboard_stats (the job `refresh user_dashboard_stats`); null for a user who has come
   * since. Throws DatabaseError before the first refresh. Service role only, bound to the tenant: row security doesn't reach a materialized view.
   */
  stats(): Promise<DashboardStats | null>
}

const instant = (expression: SQL) => sql<Date | null>`${expression}`.mapWith(rawTopics.createdAt)

/** The columns of `stats`, a relation with the names of user_dashboard_stats. */
const returns = {
  userId: sql<string>`stats.user_id`,
  pendingTopics: sql<number>`stats.pending_topics`.mapWith(Number),
  draftsPending: sql<number>`stats.drafts_pending`.mapWith(Number),
  draftsApproved: sql<number>`stats.drafts_approved`.mapWith(Number),
  postsPublished: sql<number>`stats.posts_published`.mapWith(Number),
  lastTopicDiscovered: instant(sql`stats.last_topic_discovered`),
  lastDraftGenerated: instant(sql`stats.last_draft_generated`),
}

/** Each table is aggregated by itself: joined, they would multiply each other's rows. */
const live = ({ tenant, gate }: StatementParts) => ({
  returns,
  query: (columns: SQL) => sql`select ${columns}
    from (
      select ${table.id} as user_id, topics.*, drafts.*, raw.*
      from ${table}
      cross join (
        select count(*) as pending_topics
        from ${classifiedTopics}
        where ${classifiedTopics.userId} = ${tenant} and ${classifiedTopics.status} = 'classified'
      ) as topics
      cross join (
        select
          count(*) filter (where ${generatedDrafts.status} = 'draft') as drafts_pending,
          count(*) filter (where ${generatedDrafts.status} = 'approved') as drafts_approved,
          count(*) filter (where ${generatedDrafts.status} = 'posted') as posts_published,
          max(${generatedDrafts.createdAt}) as last_draft_generated
        from ${generatedDrafts}
        where ${generatedDrafts.userId} = ${tenant}
      ) as drafts
      cross join (
        select max(${rawTopics.createdAt}) as last_topic_discovered
        from ${rawTopics}
        where ${rawTopics.userId} = ${tenant}
      ) as raw
      where ${table.id} = ${tenant}
    ) as stats
    where ${gate}`,
})

const refreshed = ({ tenant }: StatementParts) => ({
  returns,
  query: (columns: SQL) => sql`select ${columns}
    from public.user_dashboard_stats as stats
    where stats.user_id = ${tenant}`,
})

/** Reads only, over several tables; the user's row says that there is somebody to have numbers. */
export const dashboard: RepositoryDefinition<typeof table, Dashboard> = {
  table,
  tenant: 'id',
  bind: (executor: Executor) => ({
    async live() {
      const [stats] = await users.bind(executor).statement('live dashboard', live)
      if (stats === undefined)
        throw new NotFoundError('There is no such user', { table: getTableName(table) })
      return stats
    },
    async stats() {
      serviceOnly(executor, 'stats')
      const [stats] = await users.bind(executor).statement('dashboard stats', refreshed).catch(neverRefreshed)
      return stats ?? null
    },
  }),
}

const OBJECT_NOT_IN_PREREQUISITE_STATE = '55000'

/** PostgreSQL refuses to read a materialized view that was never filled. */
function neverRefreshed(error: unknown): never {
  if (!(error instanceof DatabaseError) || error.sqlState !== OBJECT_NOT_IN_PREREQUISITE_STATE) throw error
  throw new DatabaseError('user_dashboard_stats was never refreshed', {
    cause: error,
    sqlState: error.sqlState,
    table: 'user_dashboard_stats',
    hint: 'Run the job "refresh user_dashboard_stats" now and every five minutes',
  })
}
