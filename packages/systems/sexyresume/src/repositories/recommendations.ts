import { NotFoundError } from '@tenantry/core'
import { defineRepository, parseInput, type Row } from '@tenantry/repository'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { roleSearch } from '../database/matching.ts'
import { jobRoles, resumes, roleRecommendations as table, templateRoleMappings } from '../schema/index.ts'
import {
  type FeedbackInput,
  feedbackInput,
  recommendationInput,
  type RecommendInput,
  recommendInput,
} from '../types/inputs.ts'

type Recommendation = Row<typeof table>

/** Roles that a resume fits, the best first, and what the customer says to them. */
export const recommendations = defineRepository(table, {
  tenant: 'userId',
  readOnly: ['userFeedback', 'feedbackNotes'],
  schema: { create: recommendationInput },
  defaultSort: [{ matchScore: 'desc' }],
  verbs: (repository, executor) => ({
    /**
     * Recommends the roles that are nearest to the resume's embedding, the best first, in place of the
     * resume's earlier recommendations; those that the customer said something to stay, and their roles aren't
     * recommended again.
     *
     * The score is the cosine similarity, cut to 0..1: from 0.85 the confidence is very high, from 0.7 high,
     * from 0.5 medium. Skills are compared by name, whatever the case: of those that the role requires or
     * prefers, the resume's are matched, and required ones that it lacks are gaps. The template is the one
     * that suits the role best. Throws NotFoundError for a resume that isn't there.
     */
    async recommend(input: RecommendInput): Promise<Recommendation[]> {
      const { resumeId, embedding, limit } = parseInput(table, recommendInput, input)
      return executor.transaction(async (within) => {
        const own = recommendations.bind(within)
        const found = await own.statement(
          'forget what nobody answered',
          ({ tenant, gate, value }) => ({
            returns: { id: resumes.id },
            query: (columns) => sql`with forgotten as (
                delete from ${table}
                where ${table.resumeId} = ${value('resumeId', table.resumeId)} and ${table.userId} = ${tenant}
                  and ${table.userFeedback} is null and ${gate}
              )
              select ${columns} from ${resumes}
              where ${resumes.id} = ${value('resumeId', table.resumeId)} and ${resumes.userId} = ${tenant}
                and ${resumes.deletedAt} is null`,
          }),
          { resumeId },
        )
        if (found.length === 0) {
          throw new NotFoundError('There is no such resume', { table: getTableName(resumes) })
        }
        const made = await own.statement(
          'recommend',
          ({ tenant, gate, value }) => ({
            returns: getTableColumns(table),
            query: (columns) => sql`insert into ${table} (
              user_id, resume_id, job_role_id, match_score, confidence_level, reasoning, matched_skills, skill_gaps,
              recommended_template, highlight_sections
            )
            select ${tenant}, ${resumes.id}, ${jobRoles.id}, fit.score,
              case when fit.score >= 0.85 then 'very_high' when fit.score >= 0.7 then 'high'
                when fit.score >= 0.5 then 'medium' else 'low' end,
              format(
                'Similarity %s; %s of %s required skills',
                fit.score, cardinality(${jobRoles.requiredSkills}) - cardinality(fit.gaps), cardinality(${jobRoles.requiredSkills})
              ),
              fit.matched, fit.gaps, best.template, coalesce(best.highlight_sections, '{}')
            from ${resumes}
            cross join ${sql.raw(roleSearch.target.functionName)}(${value('embedding')}, ${value('wanted')}) as found
            join ${jobRoles} on ${jobRoles.id} = found.id
            cross join lateral (
              select array(
                select lower(skill ->> 'name')
                from jsonb_array_elements(${resumes.data} -> 'skills') as skill
              ) as names
            ) as had
            cross join lateral (
              select
                round(greatest(0, least(1, 1 - found.distance))::numeric, 2) as score,
                array(
                  select wanted.skill
                  from unnest(${jobRoles.requiredSkills} || ${jobRoles.preferredSkills}) with ordinality as wanted (skill, place)
                  where lower(wanted.skill) = any (had.names)
                  order by wanted.place
                ) as matched,
                array(
                  select wanted.skill
                  from unnest(${jobRoles.requiredSkills}) with ordinality as wanted (skill, place)
                  where lower(wanted.skill) <> all (had.names)
                  order by wanted.place
                ) as gaps
            ) as fit
            left join lateral (
              select mapping.template, mapping.highlight_sections
              from ${templateRoleMappings} as mapping
              where mapping.job_role_id = ${jobRoles.id}
              order by mapping.match_score desc, mapping.template
              limit 1
            ) as best on true
            where ${resumes.id} = ${value('resumeId', table.resumeId)} and ${resumes.userId} = ${tenant}
              and not exists (
                select from ${table} as known
                where known.user_id = ${tenant} and known.resume_id = ${resumes.id} and known.job_role_id = ${jobRoles.id}
              )
              and ${gate}
            order by found.distance
            limit ${value('limit')}
            returning ${columns}`,
          }),
          {
            resumeId,
            limit,
            // As many more as may be known already.
            wanted: limit + 50,
            embedding: JSON.stringify(embedding),
          },
        )
        return made.toSorted((one, other) => other.matchScore - one.matchScore)
      })
    },

    /** What the customer says to a role; null takes it back. Notes are kept unless given. Throws NotFoundError. */
    async feedback(id: string, input: FeedbackInput): Promise<Recommendation> {
      const { userFeedback, feedbackNotes } = parseInput(table, feedbackInput, input)
      const [answered] = await repository.statement(
        feedbackNotes === undefined ? 'feedback' : 'feedback with notes',
        ({ tenant, gate, value }) => ({
          returns: getTableColumns(table),
          query: (
            columns,
          ) => sql`update ${table} set user_feedback = ${value('userFeedback', table.userFeedback)}
              ${feedbackNotes === undefined ? sql.empty() : sql`, feedback_notes = ${value('feedbackNotes', table.feedbackNotes)}`}
            where ${table.id} = ${value('id', table.id)} and ${table.userId} = ${tenant} and ${gate}
            returning ${columns}`,
        }),
        { id, userFeedback, ...(feedbackNotes === undefined ? {} : { feedbackNotes }) },
      )
      if (answered === undefined) {
        throw new NotFoundError('There is no such recommendation', { table: getTableName(table) })
      }
      return answered
    },
  }),
})
