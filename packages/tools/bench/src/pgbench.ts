import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** Runs a script `transactions` times on each of `clients`. Answers scripts a second, or null where there is no pgbench. */
export async function pgbench(
  url: string,
  script: string,
  { clients, transactions }: { readonly clients: number; readonly transactions: number },
): Promise<number | null> {
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-pgbench-'))
  const file = join(folder, 'script.sql')
  try {
    writeFileSync(file, script)
    const options = ['-n', '-M', 'prepared', '-c', String(clients), '-t', String(transactions)]
    const { stdout } = await run('pgbench', [...options, '-f', file, url])
    const tps = /tps = ([\d.]+) \(without/.exec(stdout)?.[1]
    return tps === undefined ? null : Number(tps)
  } catch (error) {
    if (Reflect.get(Object(error), 'code') === 'ENOENT') return null
    throw error
  } finally {
    rmSync(folder, { recursive: true })
  }
}
