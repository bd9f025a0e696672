/** All that the product says to Tenantry, with tenantry.config.ts. Its tables stay as they are. */
import { defineRepository } from '@tenantry/repository'
import { defineTenancy } from '@tenantry/rls'
import { defineSystem } from '@tenantry/system'
import { defineStateMachine } from '@tenantry/workflow'
import { plans } from './plans.ts'
import * as schema from './schema.ts'

const { customers, mechanics, tickets } = schema
const { workshopId: organization, userId: user, active } = mechanics
const ticketStates = defineStateMachine({
  table: tickets,
  column: 'status',
  initial: ['received'],
  edges: {
    received: ['on_bench', 'cancelled'],
    on_bench: ['ready', 'cancelled'],
    ready: ['collected'],
    collected: [],
    cancelled: [],
  },
})

export const repairs = defineSystem({
  name: 'repairs',
  schema,
  tenancy: defineTenancy({
    kind: 'organization',
    schema,
    membership: { table: mechanics, organization, user, active },
    tables: {
      workshops: { class: 'tenant', column: 'id', insert: false, update: ['name'], delete: false },
      mechanics: { class: 'tenant', column: 'workshopId', insert: false, update: false, delete: false },
      parts: { class: 'global' },
      customers: { class: 'tenant', column: 'workshopId' },
      tickets: { class: 'tenant', column: 'workshopId' },
      ticketParts: { class: 'tenant', column: 'workshopId' },
    },
  }),
  modules: [ticketStates.module, plans.module],
  repositories: {
    customers: defineRepository(customers, { tenant: 'workshopId' }),
    tickets: defineRepository(tickets, {
      tenant: 'workshopId',
      verbs: (repository) => ({
        /** Of several mechanics who take a ticket, one gets it; the others, a StaleTransitionError. */
        take: (id: string, mechanicId: string) =>
          repository.update(id, { status: 'on_bench', mechanicId }, { where: { status: 'received' } }),
      }),
    }),
  },
})
