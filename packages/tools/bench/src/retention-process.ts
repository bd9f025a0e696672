/** One run in a process of its own, whose memory is then known. Arguments: the database, the folder. */
import { connect } from '@tenantry/core'
import { directoryArchive } from '@tenantry/retention'
import { eventRules } from './retention-database.ts'

/** What a run in a process tells: all times in milliseconds. */
export interface ArchiveRun {
  readonly totalMs: number
  readonly exportMs: number
  readonly longestBatchMs: number
  readonly rows: number
  readonly residentBytes: number
}

const [url = '', folder = ''] = process.argv.slice(2)
const database = await connect({ url, maxConnections: 3 })
const started = performance.now()
let [last, exportMs, longestBatchMs] = [started, 0, 0]
const [report] = await eventRules.run(database, {
  rules: ['archived'],
  store: directoryArchive(folder),
  onEvent(event) {
    const now = performance.now()
    if (event.type === 'exported') exportMs += now - last
    if (event.type === 'batch') longestBatchMs = Math.max(longestBatchMs, event.ms)
    last = now
  },
})
const run: ArchiveRun = {
  totalMs: performance.now() - started,
  exportMs,
  longestBatchMs,
  rows: report?.changed['delete'] ?? 0,
  residentBytes: process.resourceUsage().maxRSS * 1024,
}
await database.close()
process.stdout.write(JSON.stringify(run))
