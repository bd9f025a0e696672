#!/usr/bin/env node
import { once } from 'node:events'
import { main } from './main.ts'

// Whoever reads our output may stop early, such as `head`.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error
})

const exitCode = await main(
  process.argv.slice(2),
  { cwd: process.cwd(), env: process.env },
  {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    terminal: process.stderr.isTTY,
  },
)
if (process.stdout.writableNeedDrain) await once(process.stdout, 'drain')
// A configuration may have opened what keeps a process alive, such as the host's own pool.
process.exit(exitCode)
