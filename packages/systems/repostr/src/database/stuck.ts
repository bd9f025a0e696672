/** Outputs that nobody finishes. */
import { lazyModule } from '@tenantry/core'
import { ROLES, serviceJob } from '@tenantry/rls'
import { OUTPUT_ATTEMPTS } from './outputs.ts'

const GIVE_UP = `update public.outputs
set status = 'failed', last_error = 'the lease of attempt ' || attempts || ' ran out'
where status = 'processing' and attempts >= ${OUTPUT_ATTEMPTS} and available_at <= pg_catalog.statement_timestamp()`

/** Of the specification. The lease is as long; this is counted from its end. */
const STUCK = `select count(*) from public.outputs
where status = 'processing' and available_at <= pg_catalog.statement_timestamp() - interval '1 hour'`

/**
 * A claim takes over what another worker has left, and gives up what was tried often enough. Where none comes, because
 * no worker runs, the job does the latter, so that a user gets the unit of the output back; and the check speaks up.
 */
export const stuck = lazyModule({
  name: 'stuck outputs',
  objects: () => [],
  jobs: () => [
    serviceJob({
      name: 'give up stuck outputs',
      schedule: '*/15 * * * *',
      description:
        'Gives up outputs whose last attempt ran out of time; while neither it nor a worker runs, they go on counting against their user',
      statement: GIVE_UP,
      message: (changed) => `${changed} stuck outputs are given up`,
    }),
  ],
  checks: () => [
    {
      name: 'outputs-stuck',
      guarantee: 'No output has been in the works for an hour longer than its lease',
      async run(connection) {
        await connection.script(`set local role ${ROLES.service}`)
        const { rows } = await connection.query({ text: STUCK, params: [] })
        await connection.script('reset role')
        const count = Number(rows[0]?.[0])
        if (count === 0) return []
        return [
          {
            code: 'outputs-stuck',
            object: 'public.outputs',
            message: `${count} outputs are in the works, and nobody works on them`,
            remedy: 'Start workers: a claim takes them over',
          },
        ]
      },
    },
  ],
})
