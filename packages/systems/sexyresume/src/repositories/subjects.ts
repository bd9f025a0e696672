import { type Executor, NotFoundError } from '@tenantry/core'
import { defineRepository } from '@tenantry/repository'
import { sql } from 'drizzle-orm'
import { analyticsSubjects as table } from '../schema/index.ts'

/** Which pseudonym stands for which user. Removing one makes their events anonymous, for good. */
export const subjects = defineRepository(table, { tenant: null })

/** The user's pseudonym, made when it is first needed. Throws ForeignKeyError for an unknown user. */
export async function subjectOf(executor: Executor, userId: string): Promise<string> {
  const own = subjects.bind(executor)
  const find = () => own.find({ where: { userId } })
  const known = await find()
  if (known !== null) return known.subjectId
  // Another caller may be making it: then this waits, and finds it.
  await own.statement(
    'make',
    ({ value }) => ({
      returns: { subjectId: table.subjectId },
      query: (columns) => sql`insert into ${table} (user_id) values (${value('userId', table.userId)})
        on conflict (user_id) do nothing returning ${columns}`,
    }),
    { userId },
  )
  const made = await find()
  if (made === null) throw new NotFoundError('There is no such user', { table: 'users' })
  return made.subjectId
}
