/** Housekeeping between a table of files and the store that holds their objects. */
import { ConfigurationError, type Executor, type ObjectStore } from '@tenantry/core'
import { parseInput, serviceOnly } from '@tenantry/repository'
import type { PgTable } from 'drizzle-orm/pg-core'
import { readGraph } from '../graph/read-graph.ts'
import { lockHolds } from '../holds/active.ts'
import { notHeld } from '../holds/not-held.ts'
import {
  type ObjectSweepOptions,
  type OrphanOptions,
  orphanOptions,
  planSweep,
  type SweepPlan,
} from './options.ts'
import {
  asConnection,
  heldTenants,
  missingRows,
  type MissingRow,
  now,
  type OwnedKey,
  removeRows,
  tenantsWithRows,
  unknownKeys,
} from './statements.ts'

export interface Removed {
  readonly checked: number
  /** In a dry run: what would be, holds aside. */
  readonly removed: number
}

export interface Orphans {
  readonly objects: Removed & {
    /** Objects whose key doesn't say whose they are: they stay. */
    readonly foreign: number
  }
  readonly rows: Removed
}

export interface ObjectSweep {
  /**
   * Removes what is only half there, both ways: objects that no row names, and rows whose object isn't there. The age
   * of a row is by the database's clock, that of an object by the store's. What is removed was looked up again just
   * before. Nothing is removed when either side would lose too large a share, and nothing that a legal hold reaches.
   * May be stopped at any moment and run again. The service role's, outside a transaction.
   *
   * @throws ValidationError for wrong options, ConfigurationError for a share that is too large, IsolationError for a
   *   tenant's executor.
   */
  run(executor: Executor, store: ObjectStore, options?: OrphanOptions): Promise<Orphans>
}

/** Keys of one question to the database, and of one call to the store: what S3 deletes at once. */
const BATCH = 1000
const FEW = 20

/** @throws ConfigurationError for columns that the table doesn't have. */
export function defineObjectSweep<const T extends PgTable>(options: ObjectSweepOptions<T>): ObjectSweep {
  const plan = planSweep(options)
  return {
    async run(executor, store, runOptions = {}) {
      serviceOnly(executor, 'sweeping objects')
      const { graceHours, shareMax, dryRun } = parseInput(plan.table, orphanOptions, runOptions)
      const before = new Date((await now(executor)).getTime() - graceHours * 3_600_000)
      const objects = await orphanObjects(executor, plan, store, before)
      const rows = await orphanRows(executor, plan, store, before)
      refuseTooMany('objects', objects.orphans.length, objects.checked, shareMax)
      refuseTooMany(plan.target.name, rows.orphans.length, rows.checked, shareMax)
      return {
        objects: {
          checked: objects.checked,
          foreign: objects.foreign,
          removed: dryRun
            ? objects.orphans.length
            : await removeObjects(executor, plan, store, objects.orphans),
        },
        rows: {
          checked: rows.checked,
          removed: dryRun
            ? rows.orphans.length
            : await removeMissing(executor, plan, store, rows.orphans, before),
        },
      }
    },
  }
}

async function orphanObjects(executor: Executor, plan: SweepPlan, store: ObjectStore, before: Date) {
  const orphans: OwnedKey[] = []
  let [checked, foreign] = [0, 0]
  let batch: OwnedKey[] = []
  const ask = async () => {
    orphans.push(...(await unknownKeys(executor, plan, batch)))
    batch = []
  }
  for await (const { key, modifiedAt } of store.list()) {
    checked += 1
    const tenant = plan.tenantOf(key)
    if (tenant === null) foreign += 1
    else if (modifiedAt < before && batch.push({ key, tenant }) === BATCH) await ask()
  }
  await ask()
  return { orphans, checked, foreign }
}

/** By tenant, so that no more than one tenant's keys are held at a time. */
async function orphanRows(executor: Executor, plan: SweepPlan, store: ObjectStore, before: Date) {
  const orphans: MissingRow[] = []
  let checked = 0
  for await (const tenant of tenantsWithRows(executor, plan, before)) {
    const keys = await keysOf(store, plan, tenant)
    const { rows, total } = await missingRows(executor, plan, { tenant, before, keys })
    orphans.push(...rows)
    checked += total
  }
  return { orphans, checked }
}

async function keysOf(store: ObjectStore, plan: SweepPlan, tenant: string): Promise<ReadonlySet<string>> {
  const keys = new Set<string>()
  for await (const { key } of store.list({ prefix: plan.prefixOf(tenant) })) keys.add(key)
  return keys
}

function refuseTooMany(what: string, orphans: number, checked: number, shareMax: number): void {
  if (orphans <= Math.max(FEW, checked * shareMax)) return
  throw new ConfigurationError(`${orphans} of ${checked} ${what} would be removed; nothing was`, {
    hint: 'Is this the store of this database? If it is, raise shareMax for this run',
  })
}

async function removeObjects(
  executor: Executor,
  plan: SweepPlan,
  store: ObjectStore,
  orphans: readonly OwnedKey[],
): Promise<number> {
  let removed = 0
  for (let at = 0; at < orphans.length; at += BATCH) {
    const batch = orphans.slice(at, at + BATCH)
    removed += await executor.transaction(async (inner) => {
      const free = await freeOf(inner, plan, batch)
      const keys = await unknownKeys(inner, plan, free)
      await store.delete(keys.map(({ key }) => key))
      return keys.length
    })
  }
  return removed
}

/** No row tells what else they hang on: holds on the table or the tenant keep them. None can be placed until they are gone. */
async function freeOf(
  executor: Executor,
  { holds, target }: SweepPlan,
  keys: readonly OwnedKey[],
): Promise<readonly OwnedKey[]> {
  if (holds === null) return keys
  const active = await lockHolds(asConnection(executor))
  if (active.tables.has(target.label)) return []
  if (!active.tenants) return keys
  const held = await heldTenants(executor, [...new Set(keys.map(({ tenant }) => tenant))])
  return keys.filter(({ tenant }) => !held.has(tenant))
}

async function removeMissing(
  executor: Executor,
  plan: SweepPlan,
  store: ObjectStore,
  orphans: readonly MissingRow[],
  before: Date,
): Promise<number> {
  const graph =
    plan.holds === null ? null : await readGraph(asConnection(executor), { tenants: plan.holds.tenants })
  let removed = 0
  for (const tenant of new Set(orphans.map((row) => row.tenant))) {
    const keys = await keysOf(store, plan, tenant)
    const { rows } = await missingRows(executor, plan, { tenant, before, keys })
    removed += await executor.transaction(async (inner) => {
      const free =
        graph === null
          ? 'true'
          : notHeld(graph, {
              table: plan.target,
              alias: 'swept',
              holds: await lockHolds(asConnection(inner)),
            })
      return removeRows(inner, plan, rows, free)
    })
  }
  return removed
}
