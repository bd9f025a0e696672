/** Deleting, archiving and dropping half of a table, against one DELETE and psql's \copy of the same rows. */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { connect } from '@tenantry/core'
import postgres from 'postgres'
import { median } from './interleave.ts'
import { createRetentionDatabase, eventRules, refill, refillMonths } from './retention-database.ts'
import type { ArchiveRun } from './retention-process.ts'
import type { Line } from './table.ts'

/** That are removed, of twice as many in the table. One round of so many takes some minutes. */
const ROWS = { quick: 100_000, full: 2_000_000 } as const
const ROUNDS = { quick: 3, full: 1 } as const

/** No transaction may hold its locks longer, in milliseconds. */
const BATCH_MS_MAX = 50
/** Of the archiving process, whatever the size. */
const RESIDENT_MIB_MAX = 256

const OLD = `created_at < now() - interval '90 days'`
const run = promisify(execFile)

interface Round {
  readonly single: number
  readonly batched: number
  readonly longestBatch: number
  /** The same number of rows, in partitions. */
  readonly retired: number
  /** Null: there is no psql here. */
  readonly copy: number | null
  readonly archive: ArchiveRun
}

export async function retentionLines(serverUrl: string, quick: boolean): Promise<readonly Line[]> {
  const database = await createRetentionDatabase(serverUrl)
  try {
    const size = quick ? 'quick' : 'full'
    const old = ROWS[size]
    const rounds: Round[] = []
    for (let round = 0; round < ROUNDS[size]; round++) rounds.push(await oneRound(database.ownerUrl, old))
    return linesOf(rounds, old, quick)
  } finally {
    await database.remove()
  }
}

async function oneRound(url: string, old: number): Promise<Round> {
  const owner = postgres(url, { max: 1, onnotice: () => {} })
  const database = await connect(url)
  const folder = mkdtempSync(join(tmpdir(), 'tenantry-bench-archive-'))
  const fill = async (how = refill): Promise<void> => {
    for (const statement of how(old)) await owner.unsafe(statement)
    await owner.unsafe('checkpoint')
  }
  try {
    // Connected and at work once, as the connection of the single DELETE is.
    await owner.unsafe('truncate events')
    for (const statement of refillMonths(100)) await owner.unsafe(statement)
    await eventRules.run(database, { rules: ['deleted', 'retired'] })
    await fill()
    const single = await timed(() => owner.unsafe(`delete from events where ${OLD}`))
    await fill()
    let longestBatch = 0
    const batched = await timed(() =>
      eventRules.run(database, {
        rules: ['deleted'],
        onEvent(event) {
          if (event.type === 'batch') longestBatch = Math.max(longestBatch, event.ms)
        },
      }),
    )
    await fill(refillMonths)
    const retired = await timed(() => eventRules.run(database, { rules: ['retired'] }))
    const left = await owner.unsafe('select from monthly_events limit 1')
    if (left.length > 0) throw new Error('The partitions were not retired')
    await fill()
    const copy = await copied(url, join(folder, 'copy'))
    const { stdout } = await run(
      process.execPath,
      [
        '--conditions=@tenantry/source',
        '--import',
        'tsx',
        join(import.meta.dirname, 'retention-process.ts'),
        url,
        folder,
      ],
      { cwd: import.meta.dirname },
    )
    return { single, batched, longestBatch, retired, copy, archive: JSON.parse(stdout) as ArchiveRun }
  } finally {
    await database.close()
    await owner.end({ timeout: 5 })
    rmSync(folder, { recursive: true, force: true })
  }
}

async function timed(work: () => PromiseLike<unknown>): Promise<number> {
  const started = performance.now()
  await work()
  return performance.now() - started
}

async function copied(url: string, file: string): Promise<number | null> {
  try {
    return await timed(() =>
      run('psql', [
        '-X',
        url,
        '-c',
        `\\copy (select * from events where ${OLD} order by created_at) to '${file}'`,
      ]),
    )
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
    throw error
  }
}

function linesOf(rounds: readonly Round[], old: number, quick: boolean): readonly Line[] {
  const scenario = `retention of ${old} rows`
  const ms = (of: (round: Round) => number): string => `${Math.round(median(rounds.map(of)))} ms`
  const ratio = (of: (round: Round) => number): number => median(rounds.map(of))
  const line = (
    of: string,
    reference: string,
    ours: (round: Round) => number,
    other: (round: Round) => number,
    target: Line['target'],
  ): Line => ({
    scenario,
    measure: 'time',
    of,
    reference,
    ours: ms(ours),
    other: ms(other),
    ratio: ratio((round) => ours(round) / other(round)),
    ...(target === undefined ? {} : { target }),
  })
  const resident = median(rounds.map(({ archive }) => archive.residentBytes / 1024 / 1024))
  const copied = rounds.filter((round) => round.copy !== null)
  return [
    line(
      'delete',
      'one DELETE',
      (r) => r.batched,
      (r) => r.single,
      { relation: '≤', value: 4 },
    ),
    line(
      'retire partitions',
      'delete in batches',
      (r) => r.retired,
      (r) => r.batched,
      // It takes as long for few rows as for many: of few it says nothing.
      quick ? undefined : { relation: '≤', value: 1 / 8 },
    ),
    line(
      'longest batch',
      'a limit',
      (r) => r.longestBatch,
      () => BATCH_MS_MAX,
      { relation: '≤', value: 1 },
    ),
    line(
      'longest batch, archived',
      'a limit',
      (r) => r.archive.longestBatchMs,
      () => BATCH_MS_MAX,
      {
        relation: '≤',
        value: 1,
      },
    ),
    ...(copied.length === 0
      ? []
      : [
          line(
            'export',
            'psql \\copy',
            (r) => r.archive.exportMs,
            (r) => r.copy ?? Number.NaN,
            {
              relation: '≤',
              value: 1.5,
            },
          ),
        ]),
    // A quarter of the export's speed, for all of: compress, store, read back, compare, delete.
    line(
      'archive and delete',
      'its export alone',
      (r) => r.archive.totalMs,
      (r) => r.archive.exportMs,
      {
        relation: '≤',
        value: 4,
      },
    ),
    {
      scenario,
      measure: 'memory',
      of: 'archive and delete',
      reference: 'a limit',
      ours: `${Math.round(resident)} MiB`,
      other: `${RESIDENT_MIB_MAX} MiB`,
      ratio: resident / RESIDENT_MIB_MAX,
      target: { relation: '≤', value: 1 },
    },
  ]
}
