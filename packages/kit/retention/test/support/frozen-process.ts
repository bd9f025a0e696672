/** A worker that stops between two transactions, for as long as its parent wants. */
import { connect } from '@tenantry/core'
import { directoryArchive } from '../../src/index.ts'
import { rules } from './documents.ts'
import { hooked } from './faults.ts'

const [url = '', folder = ''] = process.argv.slice(2)
const database = await connect(url)
let batches = 0
const driver = hooked(database.driver, {
  async committed(statements) {
    if (!statements.some(({ text }) => text.includes('= any (pg_catalog.string_to_array'))) return
    batches += 1
    if (batches !== 3) return
    process.stdout.write('deleting\n')
    // The parent stops the process in here: outside any transaction.
    await new Promise((next) => setTimeout(next, 300))
  },
})
await rules.run(driver, { rules: ['documents'], leaseSeconds: 1, store: directoryArchive(folder) }).then(
  ([report]) => process.stdout.write(`${report?.ended}\n`),
  (error: unknown) => process.stdout.write(`${error instanceof Error ? error.name : 'unknown'}\n`),
)
await database.close()
