import type { Job } from '@tenantry/core'
import { quoteLiteral } from './identifiers.ts'
import { aheadOf, type PartitionedOptions } from './objects/partitioned.ts'
import { relation } from './relation.ts'

/** One job per partitioned table; give it what `partitioned` was given. It must run as the table's owner. */
export function partitionJobs(tables: readonly PartitionedOptions[]): readonly Job[] {
  return tables.map((options) => {
    const target = relation(options.table)
    const sql = `select tenantry.ensure_partitions(${quoteLiteral(target.sql)}, ${aheadOf(options)})`
    return {
      name: `partitions of ${target.label}`,
      // Once a day, at an hour when little happens: a failure has months to be noticed.
      schedule: '17 3 * * *',
      description: `Makes the partitions of ${target.label} for the coming months; without it, inserts fail once the last month is over`,
      sql,
      async run(connection) {
        const { rows } = await connection.query({ text: sql, params: [] })
        const changed = Number(rows[0]?.[0])
        return { changed, message: `${target.label}: ${changed} partitions made` }
      },
    }
  })
}
