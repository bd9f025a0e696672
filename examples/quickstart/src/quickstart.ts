/** The story. What happens in a step stands in steps.ts; what it needs to know about text, in the files beside. */
import { contentpilot, type DashboardStats } from '@tenantry/contentpilot'
import type { Database } from '@tenantry/core'
import { fieldNotes, ledger } from './customers.ts'
import { type Attempt, intrude } from './intrude.ts'
import { plural, type Printer } from './print.ts'
import * as steps from './steps.ts'

/** What the output says of the two customers, in the order of their sign-up. */
export interface Outcome {
  readonly attempts: readonly Attempt[]
  readonly dashboards: readonly DashboardStats[]
}

/** @throws Error when one customer got at rows of the other. */
export async function quickstart(database: Database, print: Printer): Promise<Outcome> {
  const pilot = contentpilot(database)
  await print.step('Migrate ContentPilot', () => steps.migrate(pilot, print))
  const library = await print.step('Read the State of the Union addresses', () => steps.read(print))

  const [first, second] = await print.step(
    'Two customers sign up',
    async () =>
      [await steps.signUp(pilot, ledger, print), await steps.signUp(pilot, fieldNotes, print)] as const,
  )
  for (const tenant of [first, second]) {
    const { fullName } = tenant.customer
    await print.step(`${fullName} names its pillars and trains its voice`, () =>
      steps.prepare(tenant, library, print),
    )
    await print.step(`${fullName} discovers topics`, () => steps.findTopics(tenant, library, print))
    await print.step(`${fullName} gets drafts, and schedules the best`, () =>
      steps.draft(tenant, library, print),
    )
  }

  const heading = `${second.customer.fullName} tries to reach the rows of ${first.customer.fullName}`
  const attempts = await print.step(heading, async () => {
    const made = await intrude(second.scope, first.scope)
    print.table(made.map(({ how, outcome, refusal = '' }) => [how, outcome, refusal]))
    const last = made.findLast(({ refusal }) => refusal !== undefined)
    if (last !== undefined) print.quote(`${last.outcome}: ${last.refusal}`)
    return made
  })
  const got = attempts.reduce((sum, attempt) => sum + attempt.got, 0)
  if (got > 0) throw new Error(`The customers are not isolated: ${plural(got, 'row')} got through`)
  await print.step(`${second.customer.fullName} reaches a limit of its plan`, () =>
    steps.reachLimit(second, print),
  )
  await print.step('Both search', () => steps.search([first, second], library, print))
  const dashboards = await print.step('Both look at their dashboard', () =>
    steps.dashboards([first, second], print),
  )
  steps.whatNext(database, print)
  return { attempts, dashboards }
}
