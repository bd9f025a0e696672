import { defineRepository, parseInput, type Row } from '@tenantry/repository'
import { getTableColumns, sql } from 'drizzle-orm'
import { z } from 'zod'
import { roleSearch } from '../database/matching.ts'
import { jobRoles as table } from '../schema/index.ts'
import { jobRoleChanges, type JobRoleInput, jobRoleInput, matchRolesInput } from '../types/inputs.ts'

/** A role and how far its embedding is from the one asked for. */
export type MatchedRole = Row<typeof table> & {
  /** Cosine distance: 0 the same direction, 1 unrelated, 2 opposite. */
  readonly distance: number
}

/** Roles that resumes are matched with: read by all, written by the service role. */
export const jobRoles = defineRepository(table, {
  tenant: null,
  // The first is made from the title, the second by `update_job_role_popularity()`.
  readOnly: ['popularityScore'],
  schema: { update: jobRoleChanges },
  defaultSort: [{ title: 'asc' }],
  verbs: (repository) => ({
    /** Adds a role; its normalized title is made from the title. Service role only. */
    async define(role: JobRoleInput): Promise<Row<typeof table>> {
      return repository.create(parseInput(table, jobRoleInput, role))
    },

    /** Adds all roles or none, in the order given. Service role only. */
    async defineMany(roles: readonly JobRoleInput[]): Promise<Row<typeof table>[]> {
      return repository.createMany(parseInput(table, z.array(jobRoleInput), [...roles]))
    },

    /**
     * The roles that are nearest to the embedding of a resume (1536 numbers), nearest first; 20 unless `limit`
     * (1 to 200) says. Roles without an embedding aren't found.
     */
    async match(
      embedding: readonly number[],
      options: { readonly limit?: number } = {},
    ): Promise<MatchedRole[]> {
      const input = parseInput(table, matchRolesInput, { embedding: [...embedding], ...options })
      return repository.statement(
        'match',
        ({ gate, value }) => ({
          returns: { ...getTableColumns(table), distance: sql<number>`found.distance`.mapWith(Number) },
          query: (columns) => sql`select ${columns}
            from ${sql.raw(roleSearch.target.functionName)}(${value('embedding')}, ${value('limit')}) as found
            join ${table} on ${table.id} = found.id
            where ${gate}
            order by found.distance, ${table.id}`,
        }),
        // The function takes pgvector's text form, which is JSON's.
        { ...input, embedding: JSON.stringify(input.embedding) },
      )
    },
  }),
})
