import { equals, id, instant, oneOf, timestamps } from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { boolean, check, index, jsonb, pgTable, text, unique, varchar } from 'drizzle-orm/pg-core'
import { ONBOARDING_STEPS, PLANS, SUBSCRIPTION_STATUSES, TRIAL_DAYS, TRIAL_STATUSES } from '../types/enums.ts'
import type { EmailSchedule } from '../types/metadata.ts'
import { userId } from './columns.ts'

/** People, as Clerk knows them: the tenant of every other table is a `user_id` of this one. */
export const userProfiles = pgTable(
  'user_profiles',
  {
    id: id(),
    userId: userId(),
    email: text('email'),
    name: text('name'),
    companyName: text('company_name'),
    industry: text('industry'),
    signupTimestamp: instant('signup_timestamp')
      .notNull()
      .default(sql`now()`),
    onboardingStep: varchar('onboarding_step', { length: 50, enum: ONBOARDING_STEPS })
      .notNull()
      .default('pending'),
    fullName: text('full_name'),
    businessName: text('business_name'),
    brandDescription: text('brand_description'),
    emailScheduleStatus: jsonb('email_schedule_status').$type<EmailSchedule>().notNull().default({}),
    /** Both dates are set when the trial begins, and never after. */
    trialStartDate: instant('trial_start_date'),
    trialEndDate: instant('trial_end_date'),
    /** `active` may have ended already: ask the verb `trial`, which looks at the dates. */
    trialStatus: varchar('trial_status', { length: 20, enum: TRIAL_STATUSES }).notNull().default('pending'),
    stripeCustomerId: text('stripe_customer_id'),
    stripeSubscriptionId: text('stripe_subscription_id'),
    subscriptionStatus: varchar('subscription_status', { length: 20, enum: SUBSCRIPTION_STATUSES })
      .notNull()
      .default('none'),
    isAdmin: boolean('is_admin').notNull().default(false),
    ...timestamps(),
    plan: varchar('plan', { length: 20, enum: PLANS })
      .notNull()
      .generatedAlwaysAs(
        sql.raw(`case when "trial_status" = 'converted' or "subscription_status" in ('active', 'past_due')
          then 'full' else 'trial' end`),
      ),
    /** Until when searches run. Null: without end. Follows from trial and subscription, and nobody writes it. */
    runsUntil: instant('runs_until'),
  },
  (table) => [
    unique('user_profiles_user_id_key').on(table.userId),
    index('idx_user_profiles_trial_status').on(table.trialStatus),
    index('idx_user_profiles_trial_dates').on(table.trialStartDate, table.trialEndDate),
    index('idx_user_profiles_stripe_customer').on(table.stripeCustomerId),
    index('idx_user_profiles_is_admin')
      .on(table.isAdmin)
      .where(sql`${table.isAdmin} = true`),
    index('idx_user_profiles_admin_details').on(table.isAdmin, table.fullName, table.email, table.updatedAt),
    // The job that ends trials asks for these alone.
    index('idx_user_profiles_trial_ends').on(table.trialEndDate).where(equals(table.trialStatus, 'active')),
    check('user_profiles_user_id_check', sql`${table.userId} <> ''`),
    check('user_profiles_onboarding_step_check', oneOf(table.onboardingStep, ONBOARDING_STEPS)),
    check('user_profiles_trial_status_check', oneOf(table.trialStatus, TRIAL_STATUSES)),
    check('user_profiles_subscription_status_check', oneOf(table.subscriptionStatus, SUBSCRIPTION_STATUSES)),
    check(
      'user_profiles_trial_dates_check',
      sql.raw(`("trial_status" = 'pending') = ("trial_start_date" is null)
        and ("trial_start_date" is null) = ("trial_end_date" is null)
        and ("trial_end_date" is null or "trial_end_date" - "trial_start_date" = interval '${TRIAL_DAYS} days')`),
    ),
  ],
)
