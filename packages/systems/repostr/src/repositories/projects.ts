import { NotFoundError } from '@tenantry/core'
import { defineRepository, nestedRows, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { files, outputs, projects as table } from '../schema/index.ts'
import { type ActivityInput, activityInput, projectChanges, projectInput } from '../types/inputs.ts'
import { newestFirst } from './order.ts'

/** A project with all that belongs to it. */
export type ProjectContents = Row<typeof table> & {
  /** In the order in which they were uploaded. */
  readonly files: Row<typeof files>[]
  /** The newest first; archived ones aren't among them. */
  readonly outputs: Row<typeof outputs>[]
}

/** What happened on one day, UTC. */
export interface DayOfActivity {
  /** `YYYY-MM-DD` */
  readonly date: string
  /** Users who made a project. */
  readonly activeUsers: number
  readonly totalProjects: number
}

/** What a user repurposes: files go in, outputs come out. `remove` takes all of it along. */
export const projects = defineRepository(table, {
  tenant: 'userId',
  schema: { create: projectInput, update: projectChanges },
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /**
     * A project with its files and outputs, by one query in which neither multiplies the other. Throws
     * NotFoundError when the user has no such project.
     */
    async contents(id: string): Promise<ProjectContents> {
      const [project] = await repository.statement(
        'contents',
        ({ tenant, gate, value }) => ({
          returns: {
            ...getTableColumns(table),
            files: nestedRows(
              getTableColumns(files),
              (row) => sql`select ${row} from ${files}
                where ${files.userId} = ${tenant} and ${files.projectId} = ${table.id}
                order by ${files.createdAt}, ${files.id}`,
            ),
            outputs: nestedRows(
              getTableColumns(outputs),
              (row) => sql`select ${row} from ${outputs}
                where ${outputs.userId} = ${tenant} and ${outputs.projectId} = ${table.id}
                order by ${outputs.createdAt} desc, ${outputs.id} desc`,
            ),
          },
          query: (columns) => sql`select ${columns} from ${table}
            where ${table.userId} = ${tenant} and ${table.id} = ${value('id', table.id)} and ${gate}`,
        }),
        { id },
      )
      if (project !== undefined) return project
      throw new NotFoundError('There is no such project', { table: getTableName(table) })
    },

    /**
     * For operators: who made projects on each of the last days (30 unless it says otherwise) on which somebody
     * did, over all users, the latest first. Service role only.
     */
    async activity(options: ActivityInput = {}): Promise<DayOfActivity[]> {
      serviceOnly(executor, 'activity')
      const { days } = parseInput(table, activityInput, options)
      const { rows } = await executor.run({ text: ACTIVITY, params: [days], gated: false })
      return rows.map(([date, activeUsers, totalProjects]) => ({
        date: String(date),
        activeUsers: Number(activeUsers),
        totalProjects: Number(totalProjects),
      }))
    },
  }),
})

const ACTIVITY = `
select (created_at at time zone 'UTC')::date, count(distinct user_id), count(*)
from public.projects
where created_at > now() - make_interval(days => $1)
group by 1
order by 1 desc`
