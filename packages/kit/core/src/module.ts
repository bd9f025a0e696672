/**
 * What a mechanism adds to a system. These are plain data: `@tenantry/ddl` turns the objects into
 * migrations, `@tenantry/system` composes modules, the command line runs their jobs and checks.
 */
import type { PgTable } from 'drizzle-orm/pg-core'
import type { Connection } from './driver.ts'

/**
 * Kinds in the order in which they are created; they are dropped in the reverse order.
 * `table` is Drizzle's own part of a migration: its objects only amend Drizzle's statements.
 */
export const DDL_KINDS = [
  'extension',
  'role',
  'schema',
  'prelude',
  'table',
  'partition',
  'function',
  'view',
  'trigger',
  'row-security',
  'policy',
  'grant',
  'finale',
] as const
export type DdlKind = (typeof DDL_KINDS)[number]

/**
 * One object that Drizzle can't declare, with the SQL that makes and removes it.
 * Two objects are the same when their `id` is; one has changed when its `create` has.
 */
export interface DdlObject {
  readonly kind: DdlKind
  /** Unique in a system and stable over time, such as `function tenantry.current_user_uuid()`. */
  readonly id: string
  /** Statements that make it, in order; each is complete, without a closing semicolon. */
  readonly create: readonly string[]
  /** Statements that remove it, in order. Empty: it goes with something else (a table, a schema). */
  readonly drop: readonly string[]
  /**
   * How a changed declaration reaches an existing database. `replace`: running `create` again is
   * enough (`CREATE OR REPLACE`, grants). `recreate`: `drop`, then `create`. `refuse`: only a
   * migration written by hand can do it, and the generator says so.
   */
  readonly change: 'replace' | 'recreate' | 'refuse'
  /** Changes to the statement that Drizzle generates for a table, such as `PARTITION BY`. */
  readonly amend?: readonly StatementAmendment[]
}

/** Rewrites the one generated statement that contains `match`; not finding it is an error. */
export interface StatementAmendment {
  readonly match: string
  /** Text in the statement to be replaced; absent: `put` is appended to the statement. */
  readonly replace?: string
  readonly put: string
}

/** Work that must be run now and then. Scheduling is the host's: an adapter hands jobs to it. */
export interface Job {
  readonly name: string
  /** Five-field cron expression in UTC: the recommended schedule. */
  readonly schedule: string
  /** One line for an operator: what it does, and what happens when it doesn't run. */
  readonly description: string
  /** The whole job as one SQL statement, where it can be one: pg_cron can run it. */
  readonly sql?: string
  run(connection: Connection, options?: { readonly signal?: AbortSignal }): Promise<JobResult>
}

export interface JobResult {
  /** Rows or objects that the run changed. */
  readonly changed: number
  /** A sentence for a log. */
  readonly message: string
}

/** Something about a live database that can be looked at, with nothing written. */
export interface Check {
  readonly name: string
  /** What holds when the check finds nothing. */
  readonly guarantee: string
  run(connection: Connection): Promise<readonly Finding[]>
}

/** One departure of a database from what was declared. */
export interface Finding {
  /** Stable, such as `rls-not-forced`. */
  readonly code: string
  /** The object concerned, such as `public.pillars`. */
  readonly object: string
  /** What is wrong, in a sentence. */
  readonly message: string
  /** What to do about it. */
  readonly remedy: string
}

/**
 * A table that a mechanism brings, in the Postgres schema `tenantry`. A system gives it row security, grants,
 * migrations and checks as its own tables have them. Tenants never write it.
 */
export interface ModuleTable {
  readonly table: PgTable
  /**
   * Property of the column that holds the tenant, NOT NULL and of the tenancy's type: each tenant reads the rows
   * of its own. Absent: the service role's alone.
   */
  readonly tenant?: string
  /** The service role inserts and reads; rows leave by retention alone. */
  readonly appendOnly?: true
}

/** What makes the parts of a module. */
export interface ModuleParts {
  readonly name: string
  readonly tables?: readonly ModuleTable[]
  readonly objects: () => readonly DdlObject[]
  readonly jobs?: () => readonly Job[]
  readonly checks?: () => readonly Check[]
}

/**
 * A module whose parts are made when they are first asked for. Most processes only run statements: they shouldn't
 * write the SQL of every migration as they start.
 */
export function lazyModule({ name, tables, objects, jobs, checks }: ModuleParts): Module {
  const made = { objects: once(objects), jobs: once(jobs), checks: once(checks) }
  return {
    name,
    ...(tables === undefined ? {} : { tables }),
    get objects() {
      return made.objects()
    },
    get jobs() {
      return made.jobs()
    },
    get checks() {
      return made.checks()
    },
  }
}

/** Calls it at most once; without one there is nothing. */
function once<T>(make: (() => readonly T[]) | undefined): () => readonly T[] {
  let made: readonly T[] | undefined
  return () => (made ??= make?.() ?? [])
}

/** A mechanism's contribution to a system. */
export interface Module {
  readonly name: string
  readonly tables?: readonly ModuleTable[]
  readonly objects: readonly DdlObject[]
  readonly jobs?: readonly Job[]
  readonly checks?: readonly Check[]
}
