import { NotFoundError } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { readersOnly } from '@tenantry/rls'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { conversionFunnels as table, funnelAnalytics } from '../schema/index.ts'
import {
  type DaysInput,
  daysInput,
  type FunnelInput,
  funnelInput,
  type FunnelStepInput,
  funnelStepInput,
} from '../types/analytics.ts'
import { sanitizeAnalyticsProperties } from '../types/privacy.ts'
import type { TrackOptions } from './analytics.ts'
import type { FunnelStepReached } from './analytics-rows.ts'
import { subjectOf } from './subjects.ts'

/** Steps as they were taken. */
export const funnelSteps = defineRepository(funnelAnalytics, {
  tenant: null,
  defaultSort: [{ timestamp: 'desc' }],
})

/** Ways that customers go. Readers of the system and the service role see them. */
export const funnels = defineRepository(table, {
  tenant: null,
  schema: { create: funnelInput },
  defaultSort: [{ funnelName: 'asc' }],
  verbs: (repository, executor) => ({
    /** Makes a funnel, or changes the one of its name. Service role only. */
    async define(input: FunnelInput): Promise<Row<typeof table>> {
      serviceOnly(executor, 'define')
      const [defined] = await repository.statement(
        'define',
        ({ value }) => ({
          returns: getTableColumns(table),
          query: (columns) => sql`insert into ${table} (funnel_name, steps, is_active)
            values (${value('funnelName', table.funnelName)}, ${value('steps', table.steps)}, ${value('isActive', table.isActive)})
            on conflict (funnel_name) do update set steps = excluded.steps, is_active = excluded.is_active
            returning ${columns}`,
        }),
        parseInput(table, funnelInput, input),
      )
      if (defined === undefined) throw missing()
      return defined
    },

    /** Notes that a step was taken, by a pseudonym, without personal data. Service role only. */
    async reach(
      input: FunnelStepInput,
      { userId, hash }: TrackOptions = {},
    ): Promise<Row<typeof funnelAnalytics>> {
      serviceOnly(executor, 'reach')
      const { properties, timestamp, ...step } = parseInput(funnelAnalytics, funnelStepInput, input)
      return executor.transaction(async (within) => {
        const [taken] = await funnelSteps.bind(within).statement(
          'reach',
          ({ value }) => ({
            returns: getTableColumns(funnelAnalytics),
            query: (
              columns,
            ) => sql`insert into ${funnelAnalytics} (funnel_name, step_name, user_id, properties, "timestamp")
              select ${table.funnelName}, ${value('stepName', funnelAnalytics.stepName)},
                ${value('subjectId', funnelAnalytics.userId)}, ${value('properties', funnelAnalytics.properties)},
                coalesce(${value('timestamp', funnelAnalytics.timestamp)}, now())
              from ${table}
              where ${table.funnelName} = ${value('funnelName', table.funnelName)}
                and ${table.steps} @> jsonb_build_array(jsonb_build_object('step', ${value('stepName', funnelAnalytics.stepName)}))
              returning ${columns}`,
          }),
          {
            ...step,
            properties: sanitizeAnalyticsProperties(properties, hash),
            subjectId: userId === undefined ? null : await subjectOf(within, userId),
            timestamp: timestamp ?? null,
          },
        )
        if (taken === undefined) throw missing()
        return taken
      })
    },

    /**
     * How many came how far in UTC days, both included: who took a step after all those before it, counted once.
     * Anonymous steps don't count. Throws NotFoundError for an unknown funnel.
     */
    async conversion(funnelName: string, days: DaysInput): Promise<FunnelStepReached[]> {
      const range = parseInput(table, daysInput, days)
      await readersOnly(executor, 'conversion')
      const steps = await repository.statement(
        'conversion',
        ({ gate, value }) => {
          const within = sql`taken.funnel_name = ${value('funnelName', table.funnelName)}
            and taken."timestamp" < (${value('to')}::date + 1)::timestamp at time zone 'UTC'`
          return {
            returns: {
              number: sql<number>`counted.number`.mapWith(Number),
              step: sql<string>`counted.step`,
              name: sql<string>`counted.name`,
              users: sql<number>`counted.users`.mapWith(Number),
              conversionRate: sql<
                number | null
              >`round(counted.users * 100.0 / nullif(lag(counted.users) over (order by counted.number), 0), 2)`.mapWith(
                Number,
              ),
              totalConversionRate: sql<
                number | null
              >`round(counted.users * 100.0 / nullif(first_value(counted.users) over (order by counted.number), 0), 2)`.mapWith(
                Number,
              ),
            },
            query: (columns) => sql`with recursive steps as (
                select step.number, step.entry ->> 'step' as step, step.entry ->> 'name' as name
                from ${table}
                cross join lateral jsonb_array_elements(${table.steps}) with ordinality as step (entry, number)
                where ${table.funnelName} = ${value('funnelName', table.funnelName)}
              ),
              reached as (
                select taken.user_id, 1::bigint as number, min(taken."timestamp") as at
                from ${funnelAnalytics} as taken
                where ${within} and taken."timestamp" >= ${value('from')}::date::timestamp at time zone 'UTC'
                  and taken.user_id is not null
                  and taken.step_name = (select steps.step from steps where steps.number = 1)
                group by taken.user_id
                union all
                select reached.user_id, reached.number + 1, (
                  select min(taken."timestamp")
                  from ${funnelAnalytics} as taken
                  where ${within} and taken.user_id = reached.user_id and taken."timestamp" >= reached.at
                    and taken.step_name = (select steps.step from steps where steps.number = reached.number + 1)
                )
                from reached
                where reached.at is not null and reached.number < (select max(steps.number) from steps)
              ),
              counted as (
                select steps.number, steps.step, steps.name, count(reached.at) as users
                from steps
                left join reached on reached.number = steps.number
                group by steps.number, steps.step, steps.name
              )
              select ${columns} from counted where ${gate} order by counted.number`,
          }
        },
        { ...range, funnelName },
      )
      if (steps.length === 0) throw missing()
      return steps
    },
  }),
})

function missing(): NotFoundError {
  return new NotFoundError('There is no such funnel, or no such step in it', { table: getTableName(table) })
}
