/**
 * A run over S3, in a process of its own: the test runner resolves packages as a bundler does, and would load a build
 * of the client that isn't for Node.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from '@tenantry/core'
import { s3Archive } from '../../src/index.ts'
import { rules } from './documents.ts'
import { BUCKET, s3Server } from './s3-server.ts'
import { storeAnswers } from './store-contract.ts'

const folder = mkdtempSync(join(tmpdir(), 'tenantry-s3-'))
const server = await s3Server(folder)
const database = await connect(process.argv[2])
try {
  const answers = await storeAnswers(
    s3Archive({ client: server.client, bucket: BUCKET, prefix: 'contract/' }),
  )
  const store = s3Archive({ client: server.client, bucket: BUCKET, prefix: 'runs' })
  const wrong = await store.put('wrong', Buffer.from('body'), { sha256: '00'.repeat(32) }).then(
    () => 'stored',
    (error: unknown) => (error instanceof Error ? error.name : 'unknown'),
  )
  const [report] = await rules.run(database, { rules: ['documents'], store })
  const restored = await rules.restore(database, { rule: 'documents', store })
  const puts = server.requests.filter((each) => /^PUT .*\/runs\/public\.documents\//.test(each)).length
  process.stdout.write(JSON.stringify({ answers, wrong, report, restored, puts }))
} finally {
  await database.close()
  await server.close()
  rmSync(folder, { recursive: true, force: true })
}
