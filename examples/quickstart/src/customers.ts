/** Two customers with nothing in common but the database. */
import type { PlanType } from '@tenantry/contentpilot/types'

export interface Pillar {
  readonly name: string
  /** What its topics are about, in words that they would use. */
  readonly about: string
}

export interface Customer {
  /** The id of the login service, which a host's sign-up webhook reports. */
  readonly clerkId: string
  readonly email: string
  readonly fullName: string
  readonly planType: PlanType
  readonly targetAudience: string
  /** The president whose speeches are this customer's past posts. */
  readonly voice: string
  readonly pillars: readonly Pillar[]
  /** What they look for at the end, as one types it into a search box. */
  readonly search: string
  /** What they ask their own past posts. */
  readonly question: string
}

export const ledger: Customer = {
  clerkId: 'quickstart_ledger_weekly',
  email: 'desk@ledger-weekly.example',
  fullName: 'Ledger Weekly',
  planType: 'growth',
  targetAudience: 'People who read budgets for pleasure',
  voice: 'Calvin Coolidge',
  pillars: [
    {
      name: 'Public Debt',
      about: 'national debt budget deficit bonds interest treasury surplus expenditures',
    },
    { name: 'Taxes', about: 'income tax taxes tax reduction revenue taxpayers tax relief rates' },
    { name: 'Trade', about: 'trade tariff duties imports exports commerce customs merchants manufactures' },
  ],
  search: '"national debt" or tariff -war',
  question: 'Who gains when taxes are lowered?',
}

export const fieldNotes: Customer = {
  clerkId: 'quickstart_field_notes',
  email: 'hello@field-notes.example',
  fullName: 'Field Notes',
  planType: 'starter',
  targetAudience: 'People who own boots',
  voice: 'Theodore Roosevelt',
  pillars: [
    {
      name: 'Forests and Rivers',
      about: 'forests conservation public lands rivers irrigation parks water wildlife',
    },
    { name: 'Farms', about: 'farmers farm agriculture crops soil prices products cooperative credit' },
  ],
  search: 'forest or irrigation -tariff',
  question: 'What becomes of the rivers when the forests are cut?',
}
