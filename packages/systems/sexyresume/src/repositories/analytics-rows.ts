/** What the questions of `analytics` and `funnels` answer. Days and months are `YYYY-MM-DD`, UTC; rates percent. */

export interface SignupMonth {
  /** Its first day. */
  readonly signupMonth: string
  readonly newUsers: number
  /** Of them: those who did anything from the 30th to the 60th day after. */
  readonly retainedUsers: number
  readonly retentionRate: number | null
}

/** Amounts are in the smallest unit of the currency. */
export interface RevenueChannel {
  readonly acquisitionChannel: 'referral' | 'organic_business_hours' | 'organic_other'
  readonly users: number
  readonly payingUsers: number
  readonly totalRevenue: number
  /** What one who paid has paid, on average; null where nobody did. */
  readonly avgRevenuePerPayingUser: number | null
  readonly conversionRate: number | null
  readonly revenuePerUser: number
}

/** Each number is of users; a rate is null where nobody got as far as the step that it is measured by. */
export interface FeatureAdoption {
  readonly totalSignups: number
  readonly createdResume: number
  readonly usedAi: number
  readonly exported: number
  readonly paid: number
  /** Of all who signed up. */
  readonly resumeCreationRate: number | null
  /** Of those who created a resume; so is the next. */
  readonly aiAdoptionRate: number | null
  readonly exportRate: number | null
  /** Of those who exported. */
  readonly paymentConversionRate: number | null
}

export interface DailyMetrics {
  readonly date: string
  readonly signups: number
  /** The day's sign-ups again if it is one of the last seven, else 0. */
  readonly weeklySignups: number
  /** Of the day's sign-ups: those who have exported something since. */
  readonly activatedUsers: number
}

export interface AnalyticsDay {
  readonly date: string
  readonly eventName: string
  readonly events: number
  readonly sessions: number
  /** People, by their pseudonyms. */
  readonly subjects: number
}

export interface FunnelStepReached {
  /** From 1. */
  readonly number: number
  readonly step: string
  readonly name: string
  /** Who took it, after all steps before it. */
  readonly users: number
  /** Of those who took the step before; null for the first, and after a step that nobody took. */
  readonly conversionRate: number | null
  /** Of those who took the first. */
  readonly totalConversionRate: number | null
}
