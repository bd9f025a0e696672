import { NotFoundError } from '@tenantry/core'
import { castType, defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { z } from 'zod'
import { roleSearch } from '../database/matching.ts'
import { jobRoles as table } from '../schema/index.ts'
import {
  type EmbedRolesInput,
  embedRolesInput,
  jobRoleChanges,
  type JobRoleInput,
  jobRoleInput,
  matchRolesInput,
} from '../types/inputs.ts'

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
  verbs: (repository, executor) => ({
    /** Adds a role; its normalized title is made from the title. Service role only. */
    async define(role: JobRoleInput): Promise<Row<typeof table>> {
      return repository.create(parseInput(table, jobRoleInput, role))
    },

    /** Adds all roles or none, in the order given. Service role only. */
    async defineMany(roles: readonly JobRoleInput[]): Promise<Row<typeof table>[]> {
      return repository.createMany(parseInput(table, z.array(jobRoleInput), [...roles]))
    },

    /**
     * Gives roles (up to 2,000) their embeddings, all or none, in one statement. Throws NotFoundError when one of
     * them isn't there. Service role only.
     */
    async embed(roles: EmbedRolesInput): Promise<void> {
      serviceOnly(executor, 'embed')
      const given = parseInput(table, embedRolesInput, roles)
      await executor.transaction(async (within) => {
        const embedded = await jobRoles.bind(within).statement(
          'embed',
          ({ value }) => ({
            returns: { id: table.id },
            query: (columns) => sql`update ${table}
              set embedding = given.embedding::${sql.raw(castType(table.embedding))}
              from jsonb_to_recordset(${value('given')}::jsonb) as given (id uuid, embedding text)
              where ${table.id} = given.id
              returning ${columns}`,
          }),
          // The text form of pgvector is JSON's.
          { given: JSON.stringify(given) },
        )
        if (embedded.length < given.length) {
          throw new NotFoundError(`${given.length - embedded.length} of the roles are not there`, {
            table: getTableName(table),
          })
        }
      })
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
