/** What one workshop tries on the rows of another one, and what comes of it. */
import { TenantryError } from '@tenantry/core'
import { sql, type SQL } from 'drizzle-orm'
import { customers, ticketParts, tickets } from './schema.ts'
import type { Repairs, Workshop } from './workshops.ts'

export interface Attempt {
  readonly how: string
  /** Rows of the other workshop that it read, changed, deleted or wrote. */
  readonly got: number
  /** Such as `0 rows`, or the error that refused it. */
  readonly outcome: string
}

/** Nothing is hidden from the attempts: they know the ids, and run as the intruder's own requests do. */
export async function attempts(system: Repairs, intruder: Workshop, victim: Workshop): Promise<Attempt[]> {
  const { tickets: own, db } = intruder.scope
  const [ticket] = victim.tickets
  if (ticket === undefined) throw new Error('There is nothing to take')
  const theirs = (rows: readonly { readonly workshopId: string }[]): number =>
    rows.filter(({ workshopId }) => workshopId === victim.id).length
  const raw = async (statement: SQL, scope = intruder.scope): Promise<number> =>
    (await scope.db.execute(statement)).length
  const all = sql`select id from tickets where workshop_id = ${victim.id}`

  const plans: readonly (readonly [how: string, run: () => Promise<number>])[] = [
    ['tickets.get(their id)', async () => theirs([await own.get(ticket.id)])],
    ['tickets.take(their id)', async () => theirs([await own.take(ticket.id, intruder.mechanics[0])])],
    ['Drizzle: select without a where', async () => theirs(await db.select().from(tickets))],
    ['Drizzle: every ticket with every customer', async () => theirs(await joined(intruder))],
    ['SQL: select their tickets', () => raw(all)],
    [
      'SQL: update their tickets',
      () => raw(sql`update tickets set fault = 'none' where workshop_id = ${victim.id} returning id`),
    ],
    [
      'SQL: delete their tickets',
      () => raw(sql`delete from tickets where workshop_id = ${victim.id} returning id`),
    ],
    [
      'SQL: insert a customer of theirs',
      () => raw(sql`insert into customers (workshop_id, name) values (${victim.id}, 'Mine') returning id`),
    ],
    [
      'SQL: give a ticket to them',
      () => raw(sql`update tickets set workshop_id = ${victim.id} returning id`),
    ],
    [
      'Drizzle: a part on their ticket',
      async () => {
        const part = { workshopId: intruder.id, ticketId: ticket.id, partNumber: 'BP-204' }
        return (await db.insert(ticketParts).values(part).returning()).length
      },
    ],
    [
      'SQL: switch off row security first',
      () => raw(sql`alter table tickets disable row level security`).then(() => raw(all)),
    ],
    [
      'a request that names their workshop',
      () => raw(all, system.as({ userId: intruder.mechanics[0], organizationId: victim.id })),
    ],
  ]
  const made: Attempt[] = []
  for (const [how, run] of plans) made.push(await attempt(how, run))
  return made
}

async function joined({ scope }: Workshop) {
  return scope.db
    .select({ workshopId: customers.workshopId })
    .from(tickets)
    .innerJoin(customers, sql`true`)
}

async function attempt(how: string, run: () => Promise<number>): Promise<Attempt> {
  try {
    const got = await run()
    return { how, got, outcome: `${got} rows` }
  } catch (error) {
    // A refusal is an answer; any other failure is none.
    if (!(error instanceof TenantryError)) throw error
    return { how, got: 0, outcome: `${error.name}: ${error.message}` }
  }
}
