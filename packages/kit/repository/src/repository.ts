import {
  ConfigurationError,
  type Executor,
  type ScopeTransactionOptions,
  StaleTransitionError,
} from '@tenantry/core'
import { type SQL, sql } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import { decodeRow, type DecodedRow, foundRow, onlyRow } from './answers.ts'
import { type Engine, runCall, runVerb, tenantOf } from './engine.ts'
import type { Field } from './field.ts'
import { type Condition, describeCondition, parseFilter, renderCondition } from './filter.ts'
import type { Assignments } from './input.ts'
import { boundValues, insertCall, insertMany, shapeOf } from './insert-many.ts'
import { invalid } from './invalid.ts'
import { keyValues } from './key.ts'
import { type Listing, readCursorPage, readPage } from './keyset-page.ts'
import { BATCH_DEFAULT, BATCH_MAX, bounded, knownOptions, LIMIT_DEFAULT, LIMIT_MAX } from './options.ts'
import type {
  FindOptions,
  Id,
  ListOptions,
  Page,
  Property,
  Row,
  StreamOptions,
  UpdateOptions,
  Visibility,
} from './row-types.ts'
import { slots, type SlotValue } from './slots.ts'
import { parseSort } from './sort.ts'
import {
  assignments,
  countRows,
  deleteRows,
  existsRow,
  keyCondition,
  returning,
  type Scope,
  selectRows,
  updateRows,
} from './statements.ts'
import { upsertCall } from './upsert.ts'
import type { Returned, Returns, StatementParts, VerbStatement } from './verb-statement.ts'

/**
 * The standard methods on one table, for one principal. Every statement names the principal's tenant, besides
 * row-level security. Rows of other tenants don't exist here: asking for one is asking for a missing row.
 *
 * Every method throws ValidationError, with each field named, before anything runs when its input is wrong,
 * and ConfigurationError when a tenant table is used by the service role without a tenant. Errors of the
 * database come as the typed errors of @tenantry/core.
 */
export class Repository<T extends PgTable, Create, Update, Key extends string> {
  readonly #engine: Engine
  readonly #executor: Executor

  constructor(engine: Engine, executor: Executor) {
    this.#engine = engine
    this.#executor = executor
  }

  /** The row with this key. Throws NotFoundError when the tenant has none, or it was removed. */
  async get(id: Id<T, Key>, options: Visibility = {}): Promise<Row<T>> {
    const { plan } = this.#engine
    const rows = this.#visible(options, VISIBILITY)
    const answer = await runCall(this.#engine, this.#executor, {
      shape: GET[rows],
      values: keyValues(plan, id),
      build: (gate) => selectRows(plan, { gate, rows }, plan.fields, [keyCondition(plan.key, slots())]),
    })
    return this.#row(foundRow(answer, plan.label))
  }

  /** The first row that matches, in the default order, or null. */
  async find(options: FindOptions<T> = {}): Promise<Row<T> | null> {
    const { plan } = this.#engine
    const listing = this.#listing(options, FIND, undefined, plan.fields)
    const { rows } = await readPage(this.#engine, this.#executor, listing, 1, null)
    return rows[0] === undefined ? null : trusted(rows[0])
  }

  /**
   * A page of the rows that match. Pages follow each other by keyset: no row that stays is skipped or repeated,
   * however much is inserted meanwhile, and a late page costs what the first one did. Sort terms are followed
   * by the key, so the order is total. Throws CursorError for a cursor of another filter, sort or tenant.
   */
  async list<P extends Property<T> = Property<T>>(
    options: ListOptions<T, P> = {},
  ): Promise<Page<Pick<Row<T>, P & keyof Row<T>>>> {
    const { label } = this.#engine.plan
    const listing = this.#listing(options, LIST, options.sort, this.#selected(options.select))
    const limit = bounded(label, 'limit', options.limit, { fallback: LIMIT_DEFAULT, max: LIMIT_MAX })
    const cursor = options.cursor ?? null
    const page = await readCursorPage(this.#engine, this.#executor, listing, limit, cursor)
    return { items: page.rows.map((row) => trusted(row)), nextCursor: page.nextCursor }
  }

  /**
   * All rows that match, fetched in batches as they are consumed: memory stays bounded, and no transaction is
   * held open. It isn't a snapshot: a row that is there all along comes exactly once unless its sort values
   * change meanwhile; one that comes or goes meanwhile may or may not be seen.
   */
  async *stream(options: StreamOptions<T> = {}): AsyncGenerator<Row<T>, void, undefined> {
    const { plan } = this.#engine
    const listing = this.#listing(options, STREAM, options.sort, plan.fields)
    const batch = bounded(plan.label, 'batch', options.batch, { fallback: BATCH_DEFAULT, max: BATCH_MAX })
    let after: readonly (string | null)[] | null = null
    do {
      const page: Awaited<ReturnType<typeof readPage>> = await readPage(
        this.#engine,
        this.#executor,
        listing,
        batch,
        after,
      )
      for (const row of page.rows) yield trusted(row)
      after = page.end
    } while (after !== null)
  }

  /** How many rows match. */
  async count(options: FindOptions<T> = {}): Promise<number> {
    const [value] = await this.#asked('count', options, countRows)
    return Number(value ?? 0)
  }

  /** Whether any row matches. */
  async exists(options: FindOptions<T> = {}): Promise<boolean> {
    const [value] = await this.#asked('exists', options, existsRow)
    return value === true
  }

  /** Inserts a row and returns it with its defaults. */
  async create(input: Create): Promise<Row<T>> {
    const { input: reader, plan } = this.#engine
    const row = reader.filled(reader.forCreate(input))
    return this.#row(
      onlyRow(await runCall(this.#engine, this.#executor, insertCall(this.#engine, row)), plan.label),
    )
  }

  /**
   * Inserts all rows or none, and returns them in the order given. Rows with the same fields share a statement;
   * when it takes several, they run in one transaction.
   */
  async createMany(inputs: readonly Create[]): Promise<Row<T>[]> {
    const { input: reader, plan } = this.#engine
    tenantOf(plan, this.#executor)
    if (!Array.isArray(inputs)) throw invalid(plan.label, ['items'], 'Expected a list')
    const rows = inputs.map((input: unknown, index) =>
      reader.filled(reader.forCreate(input, ['items', index])),
    )
    const created = await insertMany(this.#engine, this.#executor, rows)
    return created.map((row) => trusted(row))
  }

  /**
   * Inserts a row, or changes the tenant's row that has the same key: the one declared as `upsert.on`, which
   * always holds the tenant. Of an existing row only the fields in `upsert.set` that are given are changed; a
   * removed one is restored. Throws ConfigurationError when the repository declares no `upsert`.
   */
  async upsert(input: Create): Promise<Row<T>> {
    const { plan } = this.#engine
    const answer = await runCall(this.#engine, this.#executor, upsertCall(this.#engine, input))
    return this.#row(onlyRow(answer, plan.label))
  }

  /**
   * Changes the fields that are given and returns the row; with `where`, only if the row matches it then. That
   * is a compare and set in one statement: of several callers who want the same change, one makes it.
   *
   * Throws NotFoundError when the tenant has no such row, or it was removed, and StaleTransitionError when it
   * has the row and `where` doesn't match it.
   */
  async update(id: Id<T, Key>, patch: Update, options: UpdateOptions<T> = {}): Promise<Row<T>> {
    const { plan, input } = this.#engine
    knownOptions(plan.label, options, UPDATE)
    const condition = options.where === undefined ? null : parseFilter(plan, options.where)
    return this.#changed('update', id, input.forUpdate(patch), 'live', { condition })
  }

  /**
   * Removes a row and returns it: where the table has soft deletion the row is marked and can be restored,
   * elsewhere it is deleted. Throws NotFoundError when the tenant has no such row, or it was removed before.
   */
  async remove(id: Id<T, Key>): Promise<Row<T>> {
    const { plan, input } = this.#engine
    const { softDelete } = plan
    if (softDelete !== null) {
      return this.#changed('remove', id, input.touched(new Map()), 'live', {
        fixed: [sql`${softDelete.name} = now()`],
      })
    }
    const answer = await runCall(this.#engine, this.#executor, {
      shape: 'delete',
      values: keyValues(plan, id),
      build: (gate) =>
        returning(deleteRows(plan, { gate, rows: 'all' }, [keyCondition(plan.key, slots())]), plan.fields),
    })
    return this.#row(foundRow(answer, plan.label))
  }

  /**
   * Brings a removed row back and returns it. Throws NotFoundError when the tenant has no removed row of this
   * key, and ConfigurationError when the table has no soft deletion.
   */
  async restore(id: Id<T, Key>): Promise<Row<T>> {
    const { plan, input } = this.#engine
    const { softDelete } = plan
    if (softDelete === null) {
      throw new ConfigurationError(`Rows of ${plan.label} are deleted for good`, {
        table: plan.label,
        hint: 'Declare a softDelete column to be able to restore them',
      })
    }
    return this.#changed('restore', id, input.touched(new Map()), 'removed', {
      fixed: [sql`${softDelete.name} = null`],
    })
  }

  /**
   * Runs a statement of the host's own, for a domain verb, and returns its rows typed by `returns`. It is built
   * and compiled once per `name`, so the name must say everything that changes its text; what changes from call
   * to call goes through `value`. Throws ConfigurationError when the table belongs to tenants and the statement
   * doesn't name its tenant.
   */
  async statement<R extends Returns>(
    name: string,
    build: (parts: StatementParts) => VerbStatement<R>,
    values: Readonly<Record<string, unknown>> = {},
  ): Promise<Returned<R>[]> {
    const rows = await runVerb(this.#engine, this.#executor, name, build, values)
    return rows.map((row) => trusted<Returned<R>>(row))
  }

  /** Several calls in one transaction, with this repository bound to it, and the executor to bind others. */
  transaction<R>(
    run: (repository: Repository<T, Create, Update, Key>, executor: Executor) => Promise<R>,
    options?: ScopeTransactionOptions,
  ): Promise<R> {
    return this.#executor.transaction((within) => run(new Repository(this.#engine, within), within), options)
  }

  async #changed(
    kind: string,
    id: Id<T, Key>,
    row: Assignments,
    rows: Scope['rows'],
    { fixed = [], condition = null }: { fixed?: readonly SQL[]; condition?: Condition | null } = {},
  ): Promise<Row<T>> {
    const { plan } = this.#engine
    const values = [...boundValues(row), ...keyValues(plan, id)]
    const changes = shapeOf(kind, row)
    const matching = condition === null ? '' : `|${describeCondition(condition, values)}`
    const answer = await runCall(this.#engine, this.#executor, {
      shape: changes === null ? null : changes + matching,
      values,
      build: (gate) => {
        const next = slots()
        const set = [...fixed, ...assignments(row, next)]
        const conditions = [keyCondition(plan.key, next)]
        if (condition !== null) conditions.push(renderCondition(condition, next))
        return returning(updateRows(plan, { gate, rows }, set, conditions), plan.fields)
      },
    })
    if (condition !== null && answer.count === 0 && (await this.#has(id, rows))) {
      throw new StaleTransitionError(`The row of ${plan.label} isn't as the change wants it to be`, {
        table: plan.label,
        hint: 'Read it again and decide anew',
      })
    }
    return this.#row(foundRow(answer, plan.label))
  }

  async #has(id: Id<T, Key>, rows: Scope['rows']): Promise<boolean> {
    const { plan } = this.#engine
    const answer = await runCall(this.#engine, this.#executor, {
      shape: `has|${rows}`,
      values: keyValues(plan, id),
      build: (gate) => existsRow(plan, { gate, rows }, [keyCondition(plan.key, slots())]),
    })
    return onlyRow(answer, plan.label)[0] === true
  }

  /** A question about the matching rows, answered in one row. */
  async #asked(kind: string, options: FindOptions<T>, ask: typeof countRows): Promise<readonly unknown[]> {
    const { plan } = this.#engine
    const { condition, rows } = this.#listing(options, FIND, undefined, [])
    tenantOf(plan, this.#executor)
    if (isNever(condition)) return []
    const values: SlotValue[] = []
    const shape = `${kind}|${rows}|${describeCondition(condition, values)}`
    const answer = await runCall(this.#engine, this.#executor, {
      shape,
      values,
      build: (gate) =>
        ask(plan, { gate, rows }, condition.kind === 'constant' ? [] : [renderCondition(condition, slots())]),
    })
    return onlyRow(answer, plan.label)
  }

  #listing(
    options: FindOptions<T>,
    known: readonly string[],
    sort: unknown,
    columns: readonly Field[],
  ): Listing {
    const { plan } = this.#engine
    return {
      rows: this.#visible(options, known),
      condition: parseFilter(plan, options.where),
      terms: sort === undefined ? plan.defaultSort : parseSort(plan, sort),
      columns,
    }
  }

  #visible(options: Visibility, known: readonly string[]): Scope['rows'] {
    knownOptions(this.#engine.plan.label, options, known)
    return options.withDeleted === true ? 'all' : 'live'
  }

  #selected(select: unknown): readonly Field[] {
    const { plan } = this.#engine
    if (select === undefined) return plan.fields
    if (!Array.isArray(select)) throw invalid(plan.label, ['select'], 'Expected a list of fields')
    const unknown = select.findIndex((property) => !plan.byProperty.has(property))
    if (unknown >= 0) throw invalid(plan.label, ['select', unknown], 'No such field')
    return plan.fields.filter(({ property }) => select.includes(property))
  }

  #row(values: readonly unknown[]): Row<T> {
    return trusted(decodeRow(this.#engine.plan.fields, values))
  }
}

/** The one place where a decoded row takes the type that its Drizzle columns promise. */
function trusted<R>(row: DecodedRow): R {
  return row as R
}

/** Not put together for each call: a new text has to be hashed to be looked up. */
const GET = { live: 'get|live', all: 'get|all', removed: 'get|removed' } as const

const VISIBILITY = ['withDeleted']
const UPDATE = ['where']
const FIND = ['where', ...VISIBILITY]
const STREAM = [...FIND, 'sort', 'batch']
const LIST = [...FIND, 'sort', 'limit', 'cursor', 'select']

function isNever(condition: Condition): boolean {
  return condition.kind === 'constant' && !condition.holds
}
