/** What the adoption gives, step by step. */
import { randomUUID } from 'node:crypto'
import { type Database, PlanLimitError, StaleTransitionError, TenantryError } from '@tenantry/core'
import { describeLogin } from '@tenantry/rls'
import { eq, sql } from 'drizzle-orm'
import { repairs } from './adoption.ts'
import { type Attempt, attempts } from './attempts.ts'
import type { Printer } from './print.ts'
import { mechanics, workshops } from './schema.ts'
import { type Repairs, signUp, type Workshop } from './workshops.ts'

export interface Outcome {
  readonly attempts: readonly Attempt[]
  /** What refused the steps that the machine doesn't have, by what was tried. */
  readonly refusals: readonly (readonly [tried: string, refusal: string])[]
  readonly race: { readonly winners: number; readonly stale: number }
  /** Tickets that a mechanic saw before and after they left. */
  readonly leaver: { readonly before: number; readonly after: number }
  /** What refused a mechanic too many, the plan that it named, and how many there are with that plan. */
  readonly hiring: {
    readonly refused: string
    readonly smallestPlan: string | null
    readonly mechanics: number
  }
}

const RACERS = 8

export async function story(database: Database, print: Printer): Promise<Outcome> {
  const system = repairs(database)

  print.step('The live catalog, compared with the declaration')
  const findings = await system.verify()
  if (findings.length > 0) throw new Error(findings.map(({ message }) => message).join('\n'))
  const { name, bypassesRowSecurity } = await describeLogin(database)
  print.line(`verify() found nothing in ${system.definition.tenancy.tables.length} tables`)
  const bound = bypassesRowSecurity
    ? 'no policy binds, so every scope takes a role below them'
    : 'policies bind'
  print.line(`the product logs in as ${name}, whom ${bound}`)

  print.step('Two workshops, in the same tables')
  const north = await signUp(system, 'North Wheel', [
    ['Ines', 'Randonneur 2009', 'brakes squeal'],
    ['Jonas', 'Cargo bike', 'chain jumps'],
  ])
  const south = await signUp(system, 'South Spoke', [['Mara', 'Folding bike', 'flat tyre']])
  for (const { name: workshop, scope } of [north, south]) {
    const { items } = await scope.tickets.list({ sort: [{ bicycle: 'asc' }] })
    print.line(`${workshop} sees ${items.map(({ bicycle, fault }) => `${bicycle} (${fault})`).join(', ')}`)
  }

  print.step('South Spoke tries to get at the tickets of North Wheel')
  const made = await attempts(system, south, north)
  print.table(made.map(({ how, outcome }) => [how, outcome]))
  if (made.some(({ got }) => got > 0)) throw new Error('The workshops are not isolated')

  print.step('Steps that a ticket does not have, in raw SQL')
  const refusals = await illegalSteps(north)
  print.table(refusals)

  print.step(`${RACERS} mechanics take the same ticket at once`)
  const race = await takeAtOnce(system, north)
  print.line(`${race.winners} took it; ${race.stale} were told that it is taken (StaleTransitionError)`)

  print.step('A mechanic leaves')
  const leaver = await leave(system, north)
  print.line(`with the same scope they saw ${leaver.before} tickets before, and ${leaver.after} after`)

  print.step('A workshop takes on more mechanics than its plan has')
  const hiring = await hire(system, south)
  print.line(
    `refused by ${hiring.refused}; with the plan ${hiring.smallestPlan} there are ${hiring.mechanics}`,
  )
  return { attempts: made, refusals, race, leaver, hiring }
}

async function illegalSteps({ id, scope, tickets }: Workshop): Promise<Outcome['refusals']> {
  const [ticket] = tickets
  const plans = [
    ['received to collected', sql`update tickets set status = 'collected' where id = ${ticket?.id}`],
    [
      'a ticket that begins as ready',
      sql`insert into tickets (workshop_id, customer_id, bicycle, fault, status)
        select ${id}, id, 'Tandem', 'none', 'ready' from customers limit 1`,
    ],
  ] as const
  const refusals: (readonly [string, string])[] = []
  for (const [tried, statement] of plans) {
    const refusal: unknown = await scope.db.execute(statement).catch((error: unknown) => error)
    if (!(refusal instanceof TenantryError)) throw new Error(`Nothing refused ${tried}`, { cause: refusal })
    refusals.push([tried, `${refusal.name}: ${refusal.message}`])
  }
  return refusals
}

async function takeAtOnce(system: Repairs, { id, mechanics: people, tickets }: Workshop) {
  const [ticket] = tickets
  const taken = await Promise.allSettled(
    Array.from({ length: RACERS }, (_, n) => {
      const userId = people[n % 2 === 0 ? 0 : 1]
      return system.as({ userId, organizationId: id }).tickets.take(ticket?.id ?? '', userId)
    }),
  )
  const lost = taken.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
  const other = lost.find((reason) => !(reason instanceof StaleTransitionError))
  if (other !== undefined) throw other
  return { winners: taken.length - lost.length, stale: lost.length }
}

/** Membership is looked up by every statement, so it ends with the row that says so. */
async function leave(system: Repairs, { id, mechanics: [, userId] }: Workshop) {
  const { tickets } = system.as({ userId, organizationId: id })
  const before = await tickets.count()
  await system.system(({ db }) =>
    db.update(mechanics).set({ active: false }).where(eq(mechanics.userId, userId)),
  )
  return { before, after: await tickets.count() }
}

/** The rows are counted where they are written, by the service role as well. */
async function hire(system: Repairs, { id }: Workshop): Promise<Outcome['hiring']> {
  const two = ['Mechanic 3', 'Mechanic 4'].map((name) => ({ workshopId: id, userId: randomUUID(), name }))
  const takeOn = () => system.system(({ db }) => db.insert(mechanics).values(two))
  const refusal: unknown = await takeOn().catch((error: unknown) => error)
  if (!(refusal instanceof PlanLimitError)) throw new Error('Nothing refused the fourth', { cause: refusal })
  const { name: refused, smallestPlan } = refusal
  await system.system(({ db }) => db.update(workshops).set({ plan: 'works' }).where(eq(workshops.id, id)))
  await takeOn()
  const rows = await system.system(({ db }) => db.$count(mechanics, eq(mechanics.workshopId, id)))
  return { refused, smallestPlan, mechanics: rows }
}
