/**
 * A worker as a process of its own, to be killed. It proves that it is alone with a row by an advisory lock of
 * its session, which the server lets go of when the process dies.
 */
import { randomInt } from 'node:crypto'
import { connect } from '@tenantry/core'
import { serviceExecutor } from '@tenantry/rls'
import { runWorker } from '../../src/index.ts'
import { hastyClaims } from './jobs.ts'

const url = process.argv[2] ?? ''
const database = await connect({ url, maxConnections: 2 })
const locks = await connect({ url, maxConnections: 1 })
const controller = new AbortController()
process.on('SIGTERM', () => controller.abort())

await locks.driver.session((session) =>
  runWorker({
    claims: hastyClaims,
    system: {
      database,
      serviceExecutor: () => serviceExecutor(database),
      asService: () => ({ tenant: (id: string) => id }),
    },
    concurrency: 5,
    batch: 50,
    leaseSeconds: 4,
    pollSeconds: 1,
    signal: controller.signal,
    async handler({ claim, row }) {
      await session.query({
        text: 'insert into holds (job, token, alone) select $1::text::uuid, $2::uuid, pg_try_advisory_lock(hashtextextended($1::text, 0))',
        params: [claim.id, claim.token],
      })
      await new Promise((resolve) => setTimeout(resolve, randomInt(4)))
      await session.query({
        text: 'select pg_advisory_unlock(hashtextextended($1::text, 0))',
        params: [claim.id],
      })
      return { set: { result: { words: row.priority } } }
    },
    onEvent(event) {
      if (event.type === 'started') process.stdout.write('started\n')
      if (event.type === 'retried') process.stderr.write(`${String(event.error)}\n`)
      if (event.type === 'error') process.stderr.write(`${event.during}: ${String(event.error)}\n`)
    },
  }),
)
await locks.close()
await database.close()
