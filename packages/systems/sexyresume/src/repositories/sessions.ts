import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { userSessions as table } from '../schema/index.ts'
import { type SessionInput, sessionInput } from '../types/inputs.ts'

/** Where a customer is signed in: opened by the service role, ended by either (`remove`). */
export const sessions = defineRepository(table, {
  tenant: 'userId',
  schema: { create: sessionInput },
  defaultSort: [{ lastSeenAt: 'desc' }],
  verbs: (repository, executor) => ({
    /** Notes a session. Service role only. */
    async open(input: SessionInput): Promise<Row<typeof table>> {
      serviceOnly(executor, 'open')
      return repository.create(parseInput(table, sessionInput, input))
    },
  }),
})
