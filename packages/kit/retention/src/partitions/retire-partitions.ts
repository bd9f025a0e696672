import { ConfigurationError, type Connection, ForeignKeyError } from '@tenantry/core'
import type { RelationReference } from '@tenantry/ddl'
import type { TableGraph } from '../graph/table-graph.ts'
import { readHolds } from '../holds/active.ts'
import { notHeld } from '../holds/not-held.ts'
import { detach, partmanDrops, type PartitionDriver } from './detach.ts'
import { type DropOutcome, dropDetached } from './drop.ts'
import { fingerprintThroughParent, within } from './fingerprint.ts'
import { type Partition, type PartitionedTable, readPartitions } from './read-partitions.ts'
import { asService, closeRetirement, openRetirement, openRetirements, type Retirement } from './retirement.ts'

/** What an archive says of one partition. */
export interface PartitionArchived {
  /** How many rows are in verified objects. */
  readonly rows: number
  /** Ids of rows of `tenantry.archive_segments`, if it is them that hold the rows: dropping notes it there. */
  readonly segments: readonly string[]
}

/**
 * What becomes of the rows. `discard`: they go with the partition. `empty`: only a partition without rows goes, since
 * something else, such as a roll-up, moves them. A function: archives every row of the partition, reading through
 * its table, and resolves when all of them are in verified objects, or with null when it has to stop early; it may be
 * called again for the same partition, after a row has changed.
 */
export type PartitionContents =
  | 'discard'
  | 'empty'
  | ((partition: Partition) => Promise<PartitionArchived | null>)

export interface RetireOptions {
  readonly table: RelationReference
  /** Partitions that end at or before it go. A timestamptz as text: take it from the database's clock. */
  readonly before: string
  /** The column by which the caller takes it to be partitioned; another one is refused. */
  readonly by?: string
  readonly contents: PartitionContents
  /** By which holds reach rows. Null: holds don't bind the table. */
  readonly graph: TableGraph | null
  /** How long a detach may wait for those who use the table, in milliseconds. Default 10,000. */
  readonly waitMs?: number
  /** Asked before each partition; false ends the call. */
  readonly proceed?: () => Promise<boolean>
  readonly onStep?: (step: RetirementStep) => void | Promise<void>
}

export interface RetirementStep {
  readonly type: 'archived' | 'recorded' | 'detached' | 'dropped' | 'kept'
  /** `schema.name`. */
  readonly partition: string
}

/**
 * `dropped`: it is gone. `held`: a legal hold reaches a row. `changed`: a row was written after it was archived, or
 * it isn't empty. `waiting`: somebody used the table for longer than
 * `waitMs`, or the archive had to stop. `referenced`: a foreign key names a
 * row of it. In all but the first it is, or will be by the next call, what it was.
 */
export type RetirementOutcome = DropOutcome | 'waiting' | 'referenced'

export interface RetiredPartition {
  /** `schema.name`. */
  readonly partition: string
  readonly outcome: RetirementOutcome
}

/**
 * Retires old partitions, the oldest first: archive, detach concurrently, look once more, drop. It takes no lock that
 * anybody who reads, writes or adds partitions would wait for. Killed at any moment, the next call goes on; a row is
 * in the table, or in an object that was verified, at every moment (while its partition is detached it is in neither
 * view, and comes back if anything is wrong). A partition stays as closed as it was while it is detached.
 *
 * Run it as the tables' owner, who must be able to become the service role. One caller at a time: a second one gets
 * errors from the server, and harms nothing.
 *
 * @throws ConfigurationError for a table that isn't partitioned by time, for one whose partitions pg_partman drops
 *   by itself, and where somebody else's detach is pending.
 */
export async function retirePartitions(
  driver: PartitionDriver,
  options: RetireOptions,
): Promise<readonly RetiredPartition[]> {
  const { proceed = async () => true } = options
  await look(driver, options)
  const done = [...(await resume(driver, options))]
  const { candidates } = await look(driver, options)
  for (const partition of candidates) {
    if (partition.detaching) continue
    if (!(await proceed())) break
    done.push({ partition: partition.label, outcome: await retire(driver, options, partition) })
  }
  return done
}

/** What `retirePartitions` would retire now, holds aside, from the oldest on. Writes nothing. */
export async function planPartitions(
  driver: PartitionDriver,
  options: Pick<RetireOptions, 'table' | 'before' | 'by'>,
): Promise<readonly Partition[]> {
  return (await look(driver, options)).candidates
}

async function look(
  driver: PartitionDriver,
  { table, before, by }: Pick<RetireOptions, 'table' | 'before' | 'by'>,
): Promise<{ readonly parent: PartitionedTable; readonly candidates: readonly Partition[] }> {
  return driver.transaction({}, async (connection) => {
    const parent = await readPartitions(connection, table)
    if (by !== undefined && by !== parent.by.name) {
      throw new ConfigurationError(
        `${parent.target.label} is partitioned by ${parent.by.name}, not by ${by}: its partitions say nothing about that age`,
      )
    }
    if (await partmanDrops(connection, parent.target.label)) {
      throw new ConfigurationError(`pg_partman drops partitions of ${parent.target.label} by itself`, {
        hint: 'Set retention to null in its part_config: it asks for no archive and no legal hold',
      })
    }
    const { rows } = await connection.query({
      text: `select pg_catalog.to_char($1::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`,
      params: [before],
    })
    const limit = String(rows[0]?.[0])
    return { parent, candidates: parent.partitions.filter(({ to }) => to !== null && to <= limit) }
  })
}

/** What an earlier call left: detached in part or whole, and not dropped. */
async function resume(driver: PartitionDriver, options: RetireOptions): Promise<readonly RetiredPartition[]> {
  const done: RetiredPartition[] = []
  const { parent, open } = await driver.transaction({}, async (connection) => {
    const parent = await readPartitions(connection, options.table)
    return { parent, open: await openOf(connection, parent, options) }
  })
  const foreign = parent.partitions.find(
    ({ detaching, label }) => detaching && open.every(({ partition }) => partition !== label),
  )
  if (foreign !== undefined) {
    throw new ConfigurationError(`Somebody else began to detach ${foreign.label}`, {
      hint: `Finish it: alter table ${parent.target.sql} detach partition ${foreign.sql} finalize`,
    })
  }
  for (const retirement of open) {
    const partition = parent.partitions.find(({ label }) => label === retirement.partition)
    if (partition !== undefined && !partition.detaching) {
      if (!retirement.due) await close(driver, retirement, 'kept')
    } else if (partition === undefined && !(await exists(driver, retirement))) {
      await close(driver, retirement, 'dropped')
    } else {
      done.push({
        partition: retirement.partition,
        outcome: await finish(driver, options, { parent, partition, retirement }),
      })
    }
  }
  return done
}

async function retire(
  driver: PartitionDriver,
  options: RetireOptions,
  partition: Partition,
): Promise<RetirementOutcome> {
  const { contents, table } = options
  const { parent, recorded, fingerprint, obstacle } = await driver.transaction({}, async (connection) => {
    const parent = await readPartitions(connection, table)
    const open = await openOf(connection, parent, options)
    return asService(connection, async () => ({
      parent,
      recorded: open.find((retirement) => retirement.partition === partition.label),
      obstacle: await obstacleOf(connection, parent, partition, options),
      fingerprint:
        typeof contents === 'function' ? await fingerprintThroughParent(connection, parent, partition) : null,
    }))
  })
  if (obstacle !== null) return obstacle
  let segments = recorded?.segments ?? []
  if (typeof contents === 'function' && recorded?.fingerprint !== fingerprint) {
    const archived = await contents(partition)
    if (archived === null) return 'waiting'
    if (String(archived.rows) !== fingerprint?.split(':')[0]) return 'changed'
    segments = archived.segments
    await options.onStep?.({ type: 'archived', partition: partition.label })
  }
  const retirement = await driver.transaction({}, async (connection) => {
    const { label, bound } = partition
    await asService(connection, () =>
      openRetirement(connection, {
        parent: parent.target.label,
        partition: label,
        bound,
        fingerprint,
        segments,
      }),
    )
    return (await openOf(connection, parent, options)).find((known) => known.partition === label)
  })
  await options.onStep?.({ type: 'recorded', partition: partition.label })
  if (retirement === undefined) throw new ConfigurationError(`${partition.label} was retired by another call`)
  return finish(driver, options, { parent, partition, retirement })
}

interface Finishing {
  readonly parent: PartitionedTable
  /** Undefined once it is detached. */
  readonly partition: Partition | undefined
  readonly retirement: Retirement
}

async function finish(
  driver: PartitionDriver,
  { contents, graph, waitMs = 10_000, onStep }: RetireOptions,
  { parent, partition, retirement }: Finishing,
): Promise<RetirementOutcome> {
  if (partition !== undefined) {
    try {
      if (!(await detach(driver, parent, partition, waitMs))) return 'waiting'
    } catch (error) {
      if (!(error instanceof ForeignKeyError)) throw error
      await close(driver, retirement, 'kept')
      return 'referenced'
    }
  }
  await onStep?.({ type: 'detached', partition: retirement.partition })
  const outcome = await dropDetached(driver, parent, retirement, {
    graph,
    contents: typeof contents === 'function' ? 'archived' : contents,
  })
  await onStep?.({ type: outcome === 'dropped' ? 'dropped' : 'kept', partition: retirement.partition })
  return outcome
}

/** What can be seen beforehand, so that nothing is archived or detached in vain. */
async function obstacleOf(
  connection: Connection,
  parent: PartitionedTable,
  partition: Partition,
  { contents, graph }: RetireOptions,
): Promise<'held' | 'changed' | null> {
  const any = async (condition: string): Promise<boolean> => {
    const { rows } = await connection.query({
      text: `select from ${parent.target.sql} as kept where ${within(parent)} and ${condition} limit 1`,
      params: [partition.from, partition.to],
    })
    return rows.length > 0
  }
  if (contents === 'empty' && (await any('true'))) return 'changed'
  if (graph === null) return null
  await connection.script('set local jit = off')
  const holds = await readHolds(connection)
  const free = notHeld(graph, { table: parent.target, alias: 'kept', holds })
  return free !== 'true' && (await any(`not (${free})`)) ? 'held' : null
}

function openOf(
  connection: Connection,
  parent: PartitionedTable,
  { before }: RetireOptions,
): Promise<readonly Retirement[]> {
  return asService(connection, () => openRetirements(connection, parent.target.label, before))
}

async function close(
  driver: PartitionDriver,
  retirement: Retirement,
  outcome: 'dropped' | 'kept',
): Promise<void> {
  await driver.transaction({}, (connection) =>
    asService(connection, () => closeRetirement(connection, retirement.id, outcome)),
  )
}

async function exists(driver: PartitionDriver, { sql }: Retirement): Promise<boolean> {
  return driver.transaction({}, async (connection) => {
    const { rows } = await connection.query({
      text: 'select pg_catalog.to_regclass($1) is not null',
      params: [sql],
    })
    return rows[0]?.[0] === true
  })
}
