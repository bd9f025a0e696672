/** A worker that dies by its own hand, at the step and the time that it is told. */
import { connect } from '@tenantry/core'
import { directoryArchive } from '../../src/index.ts'
import { rules } from './documents.ts'
import { hooked, storeWith } from './faults.ts'
import type { Step } from './steps.ts'

const [url = '', folder = '', step, times = '1'] = process.argv.slice(2) as [string, string, Step, string]
let left = Number(times)
function die(at: Step, when = true): void {
  if (at !== step || !when) return
  left -= 1
  if (left === 0) process.kill(process.pid, 'SIGKILL')
}
const has = (text: string, part: string): boolean => text.includes(part)

const database = await connect(url)
const store = directoryArchive(folder)
const driver = hooked(database.driver, {
  before: ({ text }) => {
    die('export', has(text, 'string_agg'))
    die('manifest', has(text, 'insert into tenantry.archive_segments'))
    die('end', has(text, 'set finished_at'))
  },
  after: ({ text }) => {
    die('manifest-uncommitted', has(text, 'insert into tenantry.archive_segments'))
    die('delete-uncommitted', has(text, '= any (pg_catalog.string_to_array'))
  },
  committed: (statements) => {
    die(
      'manifest-committed',
      statements.some(({ text }) => has(text, 'insert into tenantry.archive_segments')),
    )
    die(
      'delete-committed',
      statements.some(({ text }) => has(text, '= any (pg_catalog.string_to_array')),
    )
  },
})
await rules.run(driver, {
  rules: ['documents'],
  leaseSeconds: 1,
  store: storeWith(store, {
    async put(key, body, options) {
      die('upload')
      const outcome = await store.put(key, body, options)
      die('uploaded')
      return outcome
    },
    async get(key) {
      const stream = await store.get(key)
      die('read-back')
      return stream
    },
    list(prefix) {
      die('clean-up')
      return store.list(prefix)
    },
  }),
})
await database.close()
process.stdout.write('finished\n')
