import type { Module } from '@tenantry/core'
import { defineTenancy } from '@tenantry/rls'
import { defineSystem } from '@tenantry/system'
import * as schema from './schema.ts'

const housekeeping: Module = {
  name: 'housekeeping',
  objects: [],
  jobs: [
    {
      name: 'purge',
      schedule: '0 3 * * *',
      description: 'Deletes empty notes',
      async run(connection) {
        const { count } = await connection.query({ text: `delete from notes where body = ''`, params: [] })
        return { changed: count, message: `deleted ${count} notes` }
      },
    },
    {
      name: 'wait until told',
      schedule: '* * * * *',
      description: 'Ends when it is interrupted',
      async run(_connection, { signal } = {}) {
        const interrupted = new Promise<void>((resolve) => {
          signal?.addEventListener('abort', () => resolve(), { once: true })
        })
        // So that a test needn't guess when the job has begun.
        process.stderr.write('waiting\n')
        // A listener alone keeps no process alive.
        const alive = setInterval(() => {}, 60_000)
        await interrupted
        clearInterval(alive)
        return { changed: 0, message: 'stopped early' }
      },
    },
  ],
}

export const notebook = defineSystem({
  name: 'notebook',
  schema,
  tenancy: defineTenancy({
    kind: 'user-uuid',
    schema,
    tables: { notes: { class: 'tenant', column: 'userId' } },
  }),
  modules: [housekeeping],
  repositories: {},
  migrations: new URL('./migrations/', import.meta.url),
})
