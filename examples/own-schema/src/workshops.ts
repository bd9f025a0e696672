/** Two workshops to show it with, each with two mechanics, two customers and their bicycles. */
import { randomUUID } from 'node:crypto'
import type { repairs } from './adoption.ts'
import { mechanics, parts, ticketParts, workshops } from './schema.ts'

export type Repairs = ReturnType<typeof repairs>
/** What one mechanic sees. */
export type MechanicScope = ReturnType<Repairs['as']>

export interface Workshop {
  readonly id: string
  readonly name: string
  /** User ids, as the login service gives them. */
  readonly mechanics: readonly [string, string]
  readonly tickets: readonly { readonly id: string; readonly bicycle: string }[]
  /** What its first mechanic sees. */
  readonly scope: MechanicScope
}

const BRAKE_PAD = { number: 'BP-204', name: 'Brake pad, pair' }

/** Signing up is the service role's; the rest is a mechanic's, who names no workshop anywhere. */
export async function signUp(
  system: Repairs,
  name: string,
  bicycles: readonly [customer: string, bicycle: string, fault: string][],
): Promise<Workshop> {
  const people = [randomUUID(), randomUUID()] as const
  const id = await system.system(async ({ db }) => {
    await db.insert(parts).values(BRAKE_PAD).onConflictDoNothing()
    const [workshop] = await db.insert(workshops).values({ name }).returning()
    if (workshop === undefined) throw new Error('The workshop was not made')
    await db
      .insert(mechanics)
      .values(people.map((userId, n) => ({ workshopId: workshop.id, userId, name: `Mechanic ${n + 1}` })))
    return workshop.id
  })
  const scope = system.as({ userId: people[0], organizationId: id })
  const tickets = await scope.transaction(async (repos) => {
    const made: { id: string; bicycle: string }[] = []
    for (const [customer, bicycle, fault] of bicycles) {
      const { id: customerId } = await repos.customers.create({ name: customer })
      made.push(await repos.tickets.create({ customerId, bicycle, fault }))
    }
    return made
  })
  // Drizzle works in a scope too; here the row names its workshop, and the database checks that it is theirs.
  const [first] = tickets
  if (first === undefined) throw new Error('A workshop without tickets shows nothing')
  await scope.db
    .insert(ticketParts)
    .values({ workshopId: id, ticketId: first.id, partNumber: BRAKE_PAD.number, quantity: 2 })
  return { id, name, mechanics: people, tickets, scope }
}
