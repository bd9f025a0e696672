import { NotFoundError } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { readersOnly } from '@tenantry/rls'
import { getTableColumns, sql } from 'drizzle-orm'
import {
  analyticsEvents as table,
  analyticsSubjects,
  paymentReceipts,
  referralConversions,
  users,
} from '../schema/index.ts'
import {
  type ComputeCohortsInput,
  computeCohortsInput,
  daysBackInput,
  type DaysInput,
  daysInput,
  monthsBackInput,
  type TrackInput,
  trackInput,
} from '../types/analytics.ts'
import { type QuasiIdentifierHash, sanitizeAnalyticsProperties } from '../types/privacy.ts'
import type {
  AnalyticsDay,
  DailyMetrics,
  FeatureAdoption,
  SignupMonth,
  RevenueChannel,
} from './analytics-rows.ts'
import { subjectOf } from './subjects.ts'

/** Percent of a whole, rounded; null where the whole is nothing. */
const percent = (part: string, whole: string, digits: number) =>
  sql<
    number | null
  >`round(${sql.raw(part)}::numeric * 100 / nullif(${sql.raw(whole)}, 0), ${sql.raw(String(digits))})`.mapWith(
    Number,
  )
const whole = (expression: string) => sql<number>`${sql.raw(expression)}`.mapWith(Number)
const day = (expression: string) => sql<string>`${sql.raw(expression)}::text`

/** Who the event is of; by a pseudonym, so that the event holds nothing of them. */
export interface TrackOptions {
  readonly userId?: string
  /** Hashes quasi-identifiers; without it they are left out. See `quasiIdentifierHash`. */
  readonly hash?: QuasiIdentifierHash
}

/**
 * Events, and what they and the tables say about the product as a whole. Readers of the system and the service
 * role may ask; for everyone else the questions are an IsolationError, and the tables empty.
 */
export const analytics = defineRepository(table, {
  tenant: null,
  key: ['id', 'timestamp'],
  defaultSort: [{ timestamp: 'desc' }],
  verbs: (repository, executor) => ({
    /**
     * Keeps an event, without the personal data in its properties (`sanitizeAnalyticsProperties`). Its time is
     * the database's unless given; one in a month that has no partition is refused. Service role only.
     */
    async track(event: TrackInput, { userId, hash }: TrackOptions = {}): Promise<Row<typeof table>> {
      serviceOnly(executor, 'track')
      const { properties, sessionId = null, timestamp, eventName } = parseInput(table, trackInput, event)
      return executor.transaction(async (within) => {
        const [kept] = await analytics.bind(within).statement(
          'track',
          ({ value }) => ({
            returns: getTableColumns(table),
            query: (
              columns,
            ) => sql`insert into ${table} (event_name, properties, session_id, subject_id, "timestamp")
              values (${value('eventName', table.eventName)}, ${value('properties', table.properties)},
                ${value('sessionId', table.sessionId)}, ${value('subjectId', table.subjectId)},
                coalesce(${value('timestamp', table.timestamp)}, now()))
              returning ${columns}`,
          }),
          {
            eventName,
            sessionId,
            properties: sanitizeAnalyticsProperties(properties, hash),
            subjectId: userId === undefined ? null : await subjectOf(within, userId),
            timestamp: timestamp ?? null,
          },
        )
        if (kept === undefined) throw new NotFoundError('The event was not kept')
        return kept
      })
    },

    /**
     * Sign-ups by UTC month of the last 12 (or `months`), the oldest first, and how many of them did anything
     * between the 30th and the 60th day after they signed up.
     */
    async userGrowth(options: { readonly months?: number } = {}): Promise<SignupMonth[]> {
      const { months } = parseInput(table, monthsBackInput, options)
      await readersOnly(executor, 'userGrowth')
      return repository.statement(
        'user growth',
        ({ gate, value }) => ({
          returns: {
            signupMonth: day('months.signup_month'),
            newUsers: whole('months.new_users'),
            retainedUsers: whole('months.retained_users'),
            retentionRate: percent('months.retained_users', 'months.new_users', 2),
          },
          query: (columns) => sql`select ${columns}
            from (
              select
                date_trunc('month', ${users.createdAt} at time zone 'UTC')::date as signup_month,
                count(*) as new_users,
                count(*) filter (where exists (
                  select from ${analyticsSubjects}
                  join ${table} on ${table.subjectId} = ${analyticsSubjects.subjectId}
                  where ${analyticsSubjects.userId} = ${users.id}
                    and ${table.timestamp} >= ${users.createdAt} + interval '30 days'
                    and ${table.timestamp} < ${users.createdAt} + interval '60 days'
                )) as retained_users
              from ${users}
              where ${users.createdAt} >= date_trunc('day', now(), 'UTC') - make_interval(months => ${value('months')}::integer)
              group by 1
            ) as months
            where ${gate}
            order by months.signup_month`,
        }),
        { months },
      )
    },

    /**
     * Where those who signed up in the last 90 (or `days`) days came from, and what they paid (succeeded payments,
     * in the smallest unit of the currency), the best channel first. By referral; else by the UTC time of the
     * sign-up: `organic_business_hours` from 9:00 to 17:00, `organic_other` outside.
     */
    async revenueAttribution(options: { readonly days?: number } = {}): Promise<RevenueChannel[]> {
      const { days } = parseInput(table, daysBackInput(90), options)
      await readersOnly(executor, 'revenueAttribution')
      return repository.statement(
        'revenue attribution',
        ({ gate, value }) => ({
          returns: {
            acquisitionChannel: sql<RevenueChannel['acquisitionChannel']>`channels.channel`,
            users: whole('channels.users'),
            payingUsers: whole('channels.paying_users'),
            totalRevenue: whole('channels.revenue'),
            avgRevenuePerPayingUser: sql<
              number | null
            >`round(channels.revenue::numeric / nullif(channels.paying_users, 0), 2)`.mapWith(Number),
            conversionRate: percent('channels.paying_users', 'channels.users', 2),
            revenuePerUser: sql<number>`round(channels.revenue::numeric / channels.users, 2)`.mapWith(Number),
          },
          query: (columns) => sql`select ${columns}
            from (
              select
                case
                  when ${referralConversions.id} is not null then 'referral'
                  when (${users.createdAt} at time zone 'UTC')::time between '09:00' and '17:00' then 'organic_business_hours'
                  else 'organic_other'
                end as channel,
                count(*) as users,
                count(paid.revenue) as paying_users,
                coalesce(sum(paid.revenue), 0) as revenue
              from ${users}
              left join ${referralConversions} on ${referralConversions.referredUserId} = ${users.id}
              left join lateral (
                select sum(${paymentReceipts.amount}) as revenue
                from ${paymentReceipts}
                where ${paymentReceipts.userId} = ${users.id} and ${paymentReceipts.status} = 'succeeded'
              ) as paid on true
              where ${users.createdAt} >= date_trunc('day', now(), 'UTC') - make_interval(days => ${value('days')}::integer)
              group by 1
            ) as channels
            where ${gate}
            order by channels.revenue desc, channels.channel`,
        }),
        { days },
      )
    },

    /** How far those who signed up in the last 30 (or `days`) days got: resume, AI, export, payment. */
    async featureAdoption(options: { readonly days?: number } = {}): Promise<FeatureAdoption> {
      const { days } = parseInput(table, daysBackInput(30), options)
      await readersOnly(executor, 'featureAdoption')
      const did = (event: string) => sql`exists (
        select from ${analyticsSubjects}
        join ${table} on ${table.subjectId} = ${analyticsSubjects.subjectId}
        where ${analyticsSubjects.userId} = ${users.id} and ${table.eventName} = ${sql.raw(`'${event}'`)}
      )`
      const [adoption] = await repository.statement(
        'feature adoption',
        ({ gate, value }) => ({
          returns: {
            totalSignups: whole('funnel.signups'),
            createdResume: whole('funnel.created'),
            usedAi: whole('funnel.ai'),
            exported: whole('funnel.exported'),
            paid: whole('funnel.paid'),
            resumeCreationRate: percent('funnel.created', 'funnel.signups', 1),
            aiAdoptionRate: percent('funnel.ai', 'funnel.created', 1),
            exportRate: percent('funnel.exported', 'funnel.created', 1),
            paymentConversionRate: percent('funnel.paid', 'funnel.exported', 1),
          },
          query: (columns) => sql`select ${columns}
            from (
              select
                count(*) as signups,
                count(*) filter (where ${did('resume_created')}) as created,
                count(*) filter (where ${did('ai_enhancement_started')}) as ai,
                count(*) filter (where ${did('export_completed')}) as exported,
                count(*) filter (where exists (
                  select from ${paymentReceipts}
                  where ${paymentReceipts.userId} = ${users.id} and ${paymentReceipts.status} = 'succeeded'
                )) as paid
              from ${users}
              where ${users.createdAt} >= date_trunc('day', now(), 'UTC') - make_interval(days => ${value('days')}::integer)
            ) as funnel
            where ${gate}`,
        }),
        { days },
      )
      if (adoption === undefined) throw new NotFoundError('The funnel has no answer')
      return adoption
    },

    /**
     * Computes cohort_analysis anew for the cohorts of the last 12 (or `cohorts`) periods, and answers how many
     * rows it wrote; read them from `cohorts`. Service role only.
     */
    async computeCohorts(input: ComputeCohortsInput): Promise<number> {
      serviceOnly(executor, 'computeCohorts')
      const values = parseInput(table, computeCohortsInput, input)
      const [answer] = await repository.statement(
        'compute cohorts',
        ({ value }) => ({
          returns: {
            written:
              sql<number>`public.compute_cohort_analysis(${value('period')}, ${value('cohorts')}::integer)`.mapWith(
                Number,
              ),
          },
          query: (columns) => sql`select ${columns}`,
        }),
        values,
      )
      return answer?.written ?? 0
    },

    /**
     * Sign-ups by UTC day, both days included, the latest first, as of the last refresh of daily_metrics (the
     * job `refresh daily_metrics`). Service role only: row security doesn't reach a materialized view.
     */
    async dailyMetrics(days: DaysInput): Promise<DailyMetrics[]> {
      serviceOnly(executor, 'dailyMetrics')
      return repository.statement(
        'daily metrics',
        ({ value }) => ({
          returns: {
            date: day('metrics.date'),
            signups: whole('metrics.signups'),
            weeklySignups: whole('metrics.weekly_signups'),
            activatedUsers: whole('metrics.activated_users'),
          },
          query: (columns) => sql`select ${columns} from public.daily_metrics as metrics
            where metrics.date between ${value('from')}::date and ${value('to')}::date
            order by metrics.date desc`,
        }),
        parseInput(table, daysInput, days),
      )
    },

    /** Events by UTC day and name, as of the last refresh of analytics_summary. Service role only. */
    async eventSummary(days: DaysInput): Promise<AnalyticsDay[]> {
      serviceOnly(executor, 'eventSummary')
      return repository.statement(
        'event summary',
        ({ value }) => ({
          returns: {
            date: day('summary.date'),
            eventName: sql<string>`summary.event_name`,
            events: whole('summary.events'),
            sessions: whole('summary.sessions'),
            subjects: whole('summary.subjects'),
          },
          query: (columns) => sql`select ${columns} from public.analytics_summary as summary
            where summary.date between ${value('from')}::date and ${value('to')}::date
            order by summary.date desc, summary.events desc, summary.event_name`,
        }),
        parseInput(table, daysInput, days),
      )
    },
  }),
})
