import type { Connection, Module } from '@tenantry/core'
import { sqlFunction } from '@tenantry/ddl'
import { ROLES } from '@tenantry/rls'

/** Of the specification: completed outputs of the last three months stay where they are. */
const DAYS = 90

/** Rows of one statement: few enough to be done in well under a second, and to lock nobody out. */
const BATCH = 1000

/** Moves a batch in one statement, so a row is in one of the tables at any moment, and never in both. */
const MOVE = `
with old as materialized (
  select user_id, id
  from public.outputs
  where status = 'completed'
    and created_at < pg_catalog.now() - pg_catalog.make_interval(days => archive_outputs.older_than_days)
    and (archive_outputs.of_user is null or user_id = archive_outputs.of_user)
  order by created_at
  limit archive_outputs.batch
  for update skip locked
), moved as (
  delete from public.outputs using old
  where outputs.user_id = old.user_id and outputs.id = old.id
  returning outputs.*
), kept as (
  insert into public.outputs_archive select * from moved
  returning 1
)
select count(*) from kept`

/** Archiving of completed outputs: a job for all users, and `archivedOutputs.moveCompleted` for one. */
export const archive: Module = {
  name: 'archive',
  objects: [
    sqlFunction({
      name: 'archive_outputs',
      args: [
        { name: 'older_than_days', type: 'integer', default: String(DAYS) },
        { name: 'of_user', type: 'text', default: 'null' },
        { name: 'batch', type: 'integer', default: String(BATCH) },
      ],
      returns: 'bigint',
      language: 'sql',
      volatility: 'volatile',
      // By the rights of its caller, who is the service role: nobody else may write the archive.
      body: MOVE,
      executableBy: [ROLES.service],
    }),
  ],
  jobs: [
    {
      name: 'archive outputs',
      schedule: '41 3 1 * *',
      description: `Moves outputs that were completed and are older than ${DAYS} days to outputs_archive; while it does not run, outputs grows`,
      sql: `do $$ begin set local role ${ROLES.service}; while public.archive_outputs() > 0 loop end loop; end $$`,
      async run(connection, { signal } = {}) {
        let changed = 0
        // A statement for each batch, so that each is its own transaction.
        await query(connection, `set role ${ROLES.service}`)
        try {
          for (let moved = BATCH; moved > 0; changed += moved) {
            signal?.throwIfAborted()
            moved = Number((await query(connection, 'select public.archive_outputs()')).rows[0]?.[0])
          }
        } finally {
          await query(connection, 'reset role')
        }
        return { changed, message: `${changed} outputs archived` }
      },
    },
  ],
}

const query = (connection: Connection, text: string) => connection.query({ text, params: [] })
