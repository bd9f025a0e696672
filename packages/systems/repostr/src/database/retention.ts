/** How long outputs stay where they are worked with. */
import { equals } from '@tenantry/core'
import { defineRetention, moveRows, retention } from '@tenantry/retention'
import * as schema from '../schema/index.ts'
import { tenancy } from '../tenancy.ts'
import { ARCHIVE_DAYS } from '../types/enums.ts'

const { outputs, outputsArchive } = schema

const declared = [
  defineRetention(outputs, {
    age: { column: 'createdAt', days: ARCHIVE_DAYS },
    where: equals(outputs.status, 'completed'),
    action: moveRows(outputs, outputsArchive),
    // Nothing is lost by it, so no share of the table is suspicious.
    floors: { maxFraction: null },
  }),
]

/** The rule `outputs`: completed ones that are older than 90 days are moved to `outputs_archive`, once a month. */
export const rules = retention({
  rules: declared,
  schema,
  tenants: tenancy.tables,
  schedules: { outputs: '41 3 1 * *' },
})
