import { NotFoundError } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { bindTenant } from '@tenantry/rls'
import { assign, changeState } from '@tenantry/workflow'
import { getTableColumns, getTableName, sql, type SQL } from 'drizzle-orm'
import { onboardingMachine } from '../database/people.ts'
import { userProfiles as table } from '../schema/index.ts'
import type { TrialStatus } from '../types/enums.ts'
import {
  type CaptureInfoInput,
  captureInfoInput,
  type CaptureIntentInput,
  captureIntentInput,
  type DescribeInput,
  describeInput,
  emailNameInput,
  type EmailStatusInput,
  emailStatusInput,
  type MirrorInput,
  mirrorInput,
  type SignUpInput,
  signUpInput,
  type StripeInput,
  stripeInput,
  type SubscriptionInput,
  subscriptionInput,
} from '../types/inputs.ts'
import { newestFirst } from './order.ts'

type Profile = Row<typeof table>

/** A person's trial as it is at this moment by the database's clock. */
export interface Trial {
  /** `expired` from the moment that its end has come, whether or not the column says so yet. */
  readonly status: TrialStatus
  readonly startDate: Date | null
  readonly endDate: Date | null
  /** Seconds until it ends; 0 when it isn't running. */
  readonly secondsLeft: number
}

interface TrialStep {
  readonly from: readonly TrialStatus[]
  readonly to: TrialStatus
  readonly subscription: Profile['subscriptionStatus']
  readonly where?: SQL
}

const RUNNING = sql`${table.trialEndDate} > now()`

/**
 * People with their onboarding and trial. A person describes themselves and goes through onboarding; what Clerk,
 * Stripe and the mail provider say is the service role's. `remove` erases: all that hangs on the person goes too.
 *
 * Verbs that take a step throw StaleTransitionError when the state doesn't lead there or another caller was
 * faster, and all throw NotFoundError where there is no profile.
 */
export const profiles = defineRepository(table, {
  tenant: 'userId',
  readOnly: [
    'onboardingStep',
    'emailScheduleStatus',
    'trialStartDate',
    'trialEndDate',
    'trialStatus',
    'stripeCustomerId',
    'stripeSubscriptionId',
    'subscriptionStatus',
    'isAdmin',
    'runsUntil',
    'signupTimestamp',
    'email',
  ],
  schema: { update: describeInput },
  defaultSort: newestFirst,
  verbs: (repository, executor) => {
    /** Changes the person's one row, by what is given. */
    const change = async (verb: string, values: Readonly<Record<string, unknown>>): Promise<Profile> => {
      const columns = getTableColumns(table)
      const given = (Object.keys(columns) as (keyof typeof columns)[]).filter(
        (property) => values[property] !== undefined,
      )
      const [changed] = await repository.statement(
        `${verb} ${given.join(', ')}`,
        ({ tenant, gate, value }) => ({
          returns: columns,
          query: (returned) => sql`update ${table}
            set ${sql.join(
              given.map((property) => assign(columns[property], value(property, columns[property]))),
              sql`, `,
            )}
            where ${table.userId} = ${tenant} and ${gate}
            returning ${returned}`,
        }),
        values,
      )
      if (changed === undefined) throw missing()
      return changed
    }

    const trialStep = (verb: string, { where, ...step }: TrialStep, input: StripeInput): Promise<Profile> => {
      const ids = parseInput(table, stripeInput, input)
      const given = (['stripeCustomerId', 'stripeSubscriptionId'] as const).filter(
        (property) => ids[property] !== undefined,
      )
      return changeState(table, repository, {
        verb: `${verb} ${given.join(', ')}`,
        tenant: table.userId,
        column: table.trialStatus,
        from: step.from,
        to: step.to,
        ...(where === undefined ? {} : { where: () => where }),
        set: (value) => [
          assign(table.subscriptionStatus, sql.raw(`'${step.subscription}'`)),
          ...given.map((property) => assign(table[property], value(property, table[property]))),
        ],
        values: ids,
      })
    }

    return {
      /** The person's profile. */
      async mine(): Promise<Profile> {
        const profile = await repository.find()
        if (profile === null) throw missing()
        return profile
      },

      /** What the person says of themselves. */
      async describe(input: DescribeInput): Promise<Profile> {
        return change('describe', parseInput(table, describeInput, input))
      },

      /**
       * Makes the profile of a person whom Clerk reports. One that is there already is answered unchanged, with
       * `created: false`, so a repeated webhook does no harm. Service role only.
       */
      async signUp(input: SignUpInput): Promise<{ readonly profile: Profile; readonly created: boolean }> {
        serviceOnly(executor, 'signUp')
        const { userId, ...values } = parseInput(table, signUpInput, input)
        const own = profiles.bind(bindTenant(executor, userId))
        const columns = getTableColumns(table)
        const [profile] = await own.statement(
          'sign up',
          ({ tenant, value }) => ({
            returns: columns,
            query: (returned) => sql`insert into ${table} (user_id, ${sql.join(
              SIGNED_UP.map((property) => sql.identifier(columns[property].name)),
              sql`, `,
            )})
              values (${tenant}, ${sql.join(
                SIGNED_UP.map((property) => value(property, columns[property])),
                sql`, `,
              )})
              on conflict (user_id) do nothing
              returning ${returned}`,
          }),
          Object.fromEntries(SIGNED_UP.map((property) => [property, values[property] ?? null])),
        )
        return profile === undefined
          ? { profile: await own.mine(), created: false }
          : { profile, created: true }
      },

      /** Takes over what Clerk says has changed. Service role only. */
      async mirror(input: MirrorInput): Promise<Profile> {
        serviceOnly(executor, 'mirror')
        return change('mirror', parseInput(table, mirrorInput, input))
      },

      /** pending → info_captured. */
      async captureInfo(input: CaptureInfoInput): Promise<Profile> {
        const values = parseInput(table, captureInfoInput, input)
        return changeState(table, repository, {
          verb: 'capture info',
          tenant: table.userId,
          column: table.onboardingStep,
          from: onboardingMachine.from('info_captured'),
          to: 'info_captured',
          set: (value) => [
            assign(table.fullName, value('fullName', table.fullName)),
            assign(table.businessName, value('businessName', table.businessName)),
          ],
          values,
        })
      },

      /** pending | info_captured → intent_captured. */
      async captureIntent(input: CaptureIntentInput): Promise<Profile> {
        const values = parseInput(table, captureIntentInput, input)
        return changeState(table, repository, {
          verb: 'capture intent',
          tenant: table.userId,
          column: table.onboardingStep,
          from: onboardingMachine.from('intent_captured'),
          to: 'intent_captured',
          set: (value) => [assign(table.brandDescription, value('brandDescription', table.brandDescription))],
          values,
        })
      },

      /** Any step → completed. */
      async completeOnboarding(): Promise<Profile> {
        return changeState(table, repository, {
          verb: 'complete onboarding',
          tenant: table.userId,
          column: table.onboardingStep,
          from: onboardingMachine.from('completed'),
          to: 'completed',
        })
      },

      /** The trial as it is now. */
      async trial(): Promise<Trial> {
        const [trial] = await repository.statement('trial', ({ tenant, gate }) => ({
          returns: {
            status: sql<TrialStatus>`case
              when ${table.trialStatus} = 'active' and not ${RUNNING} then 'expired' else ${table.trialStatus}
            end`,
            startDate: table.trialStartDate,
            endDate: table.trialEndDate,
            secondsLeft: sql<number>`case
              when ${table.trialStatus} = 'active' then
                greatest(0, extract(epoch from ${table.trialEndDate} - now()))
              else 0
            end`.mapWith(Number),
          },
          query: (columns) =>
            sql`select ${columns} from ${table} where ${table.userId} = ${tenant} and ${gate}`,
        }))
        if (trial === undefined) throw missing()
        return trial
      },

      /**
       * pending → active: seven days by the database's clock, which nobody changes afterwards. The subscription
       * becomes `trialing`. Service role only.
       */
      async startTrial(input: StripeInput = {}): Promise<Profile> {
        serviceOnly(executor, 'startTrial')
        return trialStep('start trial', { from: ['pending'], to: 'active', subscription: 'trialing' }, input)
      },

      /** active → converted, while the trial runs: the person has paid. Service role only. */
      async convertTrial(input: StripeInput = {}): Promise<Profile> {
        serviceOnly(executor, 'convertTrial')
        const step = { from: ['active'], to: 'converted', subscription: 'active', where: RUNNING } as const
        return trialStep('convert trial', step, input)
      },

      /** active → cancelled, while the trial runs. Service role only. */
      async cancelTrial(): Promise<Profile> {
        serviceOnly(executor, 'cancelTrial')
        const step = { from: ['active'], to: 'cancelled', subscription: 'canceled', where: RUNNING } as const
        return trialStep('cancel trial', step, {})
      },

      /** Takes over what Stripe says; the trial stays as it is. Service role only. */
      async syncSubscription(input: SubscriptionInput): Promise<Profile> {
        serviceOnly(executor, 'syncSubscription')
        return change('sync subscription', parseInput(table, subscriptionInput, input))
      },

      /** The profile of a Stripe customer, or null: for a webhook. Service role only. */
      async findByStripeCustomer(stripeCustomerId: string): Promise<Profile | null> {
        serviceOnly(executor, 'findByStripeCustomer')
        // The one question that is asked before a person is known.
        const { rows } = await executor.run({
          text: 'select user_id from public.user_profiles where stripe_customer_id = $1 limit 2',
          params: [stripeCustomerId],
          gated: false,
        })
        const [[userId] = []] = rows
        if (rows.length !== 1 || typeof userId !== 'string') return null
        return profiles.bind(bindTenant(executor, userId)).find()
      },

      /** Notes what has become of one e-mail; those of other names stay, whoever notes them. Service role only. */
      async noteEmail(email: string, status: EmailStatusInput): Promise<Profile> {
        serviceOnly(executor, 'noteEmail')
        const name = parseInput(table, emailNameInput, email)
        const [noted] = await repository.statement(
          'note email',
          ({ tenant, value }) => ({
            returns: getTableColumns(table),
            query: (columns) => sql`update ${table}
              set email_schedule_status = ${table.emailScheduleStatus} || ${value('noted', table.emailScheduleStatus)}
              where ${table.userId} = ${tenant}
              returning ${columns}`,
          }),
          { noted: { [name]: parseInput(table, emailStatusInput, status) } },
        )
        if (noted === undefined) throw missing()
        return noted
      },
    }
  },
})

/** What signing up may bring along. */
const SIGNED_UP = [
  'email',
  'onboardingStep',
  'name',
  'companyName',
  'industry',
  'fullName',
  'businessName',
  'brandDescription',
] as const

function missing(): NotFoundError {
  return new NotFoundError('The person has no profile', {
    table: getTableName(table),
    hint: 'signUp() makes one',
  })
}
