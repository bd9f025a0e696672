import { ConfigurationError, type ModuleTable, tableConfig } from '@tenantry/core'
import { is } from 'drizzle-orm'
import { PgTable, type PgColumn } from 'drizzle-orm/pg-core'
import { classify } from './classify.ts'
import { checkReferences } from './references.ts'

/**
 * Who a tenant is: a person with a uuid, a person with a text id (Clerk), or an organization (uuid) whose
 * members are checked in the database by every statement.
 */
export type TenancyKind = 'user-uuid' | 'user-text' | 'organization'

/** The tables among the exports of a schema module, by their export names. */
export type TableKey<S> = { [K in keyof S]: S[K] extends PgTable ? K : never }[keyof S] & string

type ColumnKey<T> = T extends PgTable ? keyof T['$inferSelect'] & string : never

/** What the tenant role may do with rows of its own. Left out: the default of the class. */
export interface TableAccess<T = PgTable> {
  readonly select?: boolean
  /** `true`: every column but generated ones, `managed` ones, and a primary key that has a default. */
  readonly insert?: boolean | readonly ColumnKey<T>[]
  /** `true`: every column but those, the primary key and the tenant column. */
  readonly update?: boolean | readonly ColumnKey<T>[]
  readonly delete?: boolean
}

interface AppendOnly {
  /**
   * Rows are written once: UPDATE, DELETE and TRUNCATE are granted to no role and refused by a trigger, whoever
   * tries. Only retention takes rows away, by its own role.
   */
  readonly appendOnly?: true
}

export interface TenantTable<T = PgTable> extends TableAccess<T>, AppendOnly {
  readonly class: 'tenant'
  /** Property of the column that holds the tenant. */
  readonly column: ColumnKey<T>
  /** Must be said where the tenant column may be null: such rows are seen by the service role alone. */
  readonly nullMeans?: 'hidden'
  /**
   * Whose rows they are, in an organization system: the organization's (default), or the `user`'s own
   * across organizations, such as the list of their memberships.
   */
  readonly of?: 'tenant' | 'user'
  /**
   * Columns that the database fills: never inserted or updated by a tenant.
   * Default: createdAt and updatedAt, where the table has them.
   */
  readonly managed?: readonly ColumnKey<T>[]
  /**
   * Let a tenant choose primary keys, such as ids that your process makes (`$defaultFn`). Off unless said: a
   * primary key is unique over all tenants, so choosing one would tell whether another tenant has it.
   */
  readonly clientIds?: boolean
  /** `false`: not even `readers` of the system see other tenants' rows. */
  readonly readers?: false
  /**
   * The tenant of rows that all tenants read and none writes, such as templates that come with the product: a
   * value of the tenant column that is nobody's id. Whoever has no context sees none of them; the service role,
   * bound to this tenant, writes them.
   */
  readonly shared?: string
}

interface GlobalTable extends AppendOnly {
  readonly class: 'global'
}

interface InternalTable extends AppendOnly {
  readonly class: 'internal'
  /** `true`: `readers` of the system see it; other tenants still don't. */
  readonly readers?: true
}

/**
 * The class of one table. `tenant`: each row belongs to one tenant. `global`: read by all, written by the
 * service role. `internal`: the service role's alone.
 */
export type TableClass<T = PgTable> = TenantTable<T> | GlobalTable | InternalTable

/** Where membership is looked up, in an organization system. */
export interface MembershipOptions {
  readonly table: PgTable
  /** Columns of that table. */
  readonly user: PgColumn
  readonly organization: PgColumn
  /** A boolean column that must be true; absent: a row is a membership. */
  readonly active?: PgColumn
  /** A text column that says what the member may do: policies read it by `contextExpressions().role`. */
  readonly role?: PgColumn
}

/**
 * Who reads every tenant's rows, such as administrators: people whom a table lists. It is looked up for each
 * statement, by the person of the context alone, so who is struck off reads nothing more from then on. They
 * write no more than anyone: the restrictive policies of the writing commands hold for them as for all.
 */
export interface ReadersOptions {
  readonly table: PgTable
  /** The column of that table that holds the person. */
  readonly user: PgColumn
  /** A further SQL condition on `reader`, such as `reader.is_active`. Absent: a row is enough. */
  readonly condition?: string
  /**
   * For `user-text` alone, where it is required: the column that lists every tenant. Text has no greatest
   * value, so what a reader may see ends at the greatest that this column holds.
   */
  readonly tenants?: PgColumn
}

/**
 * Names the policies of a table. `select`, `insert`, `update` and `delete` that get one name become one policy
 * for all commands. `shared` stands where a table has shared rows; the `isolation_…` ones there and where there
 * are `readers`, since `isolation` is for SELECT alone then.
 */
export type PolicyNamer = (
  table: string,
  policy:
    | 'isolation'
    | 'select'
    | 'insert'
    | 'update'
    | 'delete'
    | 'shared'
    | 'service'
    | 'definer'
    | 'isolation_insert'
    | 'isolation_update'
    | 'isolation_delete',
) => string

export interface TenancyOptions<S extends Record<string, unknown>> {
  readonly kind: TenancyKind
  /** The exports of the module that declares the Drizzle tables. */
  readonly schema: S
  /** Every table of the schema: one that is missing doesn't compile. */
  readonly tables: { readonly [K in TableKey<S>]: TableClass<S[K]> }
  /** Required for `organization`. */
  readonly membership?: MembershipOptions
  /** Absent: nobody reads another tenant's rows. */
  readonly readers?: ReadersOptions
  /** Names of the policies, where a host's conventions are to be kept. */
  readonly policyName?: PolicyNamer
  /**
   * Keys that are unique over all tenants because their value is (an e-mail address): names of
   * constraints or unique indexes. Their columns are never granted to a tenant for writing.
   */
  readonly globalKeys?: readonly string[]
}

/** A table with its class worked out. Column names are those of the database. */
export interface ClassifiedTable {
  readonly key: string
  readonly table: PgTable
  readonly schema: string
  readonly name: string
  readonly class: 'tenant' | 'global' | 'internal'
  /** Null for global and internal tables. */
  readonly tenantColumn: { readonly property: string; readonly name: string } | null
  readonly of: 'tenant' | 'user'
  /** Whether the system's readers see all of its rows. */
  readonly readers: boolean
  readonly appendOnly: boolean
  /** The tenant whose rows all tenants read and none writes; null: there are none. */
  readonly shared: string | null
  /** What the tenant role is granted; arrays are column names. Absent: nothing. */
  readonly privileges: {
    readonly select?: true
    readonly insert?: readonly string[]
    readonly update?: readonly string[]
    readonly delete?: true
  }
}

export interface Tenancy {
  readonly kind: TenancyKind
  readonly tables: readonly ClassifiedTable[]
  readonly membership: MembershipOptions | null
  readonly readers: ReadersOptions | null
  readonly policyName: PolicyNamer
  readonly globalKeys: readonly string[]
}

const defaultPolicyName: PolicyNamer = (_table, policy) =>
  policy === 'isolation' ? 'tenant_isolation' : `tenant_${policy}`

/**
 * Declares, from outside the table definitions, whose each row of a schema is.
 *
 * @throws ConfigurationError for what PostgreSQL would refuse, or what would be unsafe: an unclassified
 *   table, a tenant column that is missing, nullable or of another type, a reference between tenant tables
 *   or a unique key that leaves the tenant out, a global key that a tenant may write.
 */
export function defineTenancy<const S extends Record<string, unknown>>(options: TenancyOptions<S>): Tenancy {
  const { kind, schema, globalKeys = [], membership = null, readers = null } = options
  if ((kind === 'organization') !== (membership !== null)) {
    throw new ConfigurationError(
      kind === 'organization'
        ? 'An organization tenancy needs to know where membership is looked up'
        : `A ${kind} tenancy has no membership`,
      { hint: 'Give `membership` for the kind organization, and only there' },
    )
  }
  if (readers !== null && (kind === 'user-text') !== (readers.tenants !== undefined)) {
    throw new ConfigurationError(
      kind === 'user-text'
        ? 'Readers of a user-text tenancy need to know which column lists the tenants'
        : `Readers of a ${kind} tenancy need no list of the tenants`,
      { hint: 'Give `readers.tenants` for the kind user-text, and only there' },
    )
  }
  const classes = options.tables as Readonly<Record<string, TableClass | undefined>>
  const tables = Object.entries(schema).flatMap(([key, value]) => {
    if (!is(value, PgTable)) return []
    const declared = classes[key]
    if (declared === undefined) {
      throw new ConfigurationError(`The table ${tableConfig(value).name} has no class`, {
        hint: `Add ${key} to \`tables\` as tenant, global or internal; nothing is guessed`,
      })
    }
    return [classify(key, value, declared, { kind, globalKeys, readers })]
  })
  for (const key of Object.keys(classes)) {
    if (!tables.some((table) => table.key === key)) {
      throw new ConfigurationError(`\`tables\` names ${key}, which is no table of the schema`)
    }
  }
  checkReferences(tables, globalKeys)
  return {
    kind,
    tables,
    membership,
    readers,
    policyName: options.policyName ?? defaultPolicyName,
    globalKeys,
  }
}

/**
 * The tenancy with the tables that mechanisms bring: tenants read rows of their own there, and write none.
 *
 * @throws ConfigurationError for a table that the schema has already, or a tenant column that doesn't fit.
 */
export function withModuleTables(tenancy: Tenancy, tables: readonly ModuleTable[]): Tenancy {
  const added = tables.map(({ table, tenant, appendOnly }) => {
    const { name, schema = 'public' } = tableConfig(table)
    if (tenancy.tables.some((known) => known.schema === schema && known.name === name)) {
      throw new ConfigurationError(
        `The schema has a table ${schema}.${name}, and so has one of its modules`,
        {
          hint: 'Leave it out of the schema: what modules bring is added',
        },
      )
    }
    const common = appendOnly === undefined ? {} : { appendOnly }
    const declared: TableClass =
      tenant === undefined
        ? { class: 'internal', ...common }
        : { class: 'tenant', column: tenant as never, insert: false, update: false, delete: false, ...common }
    return classify(`${schema}.${name}`, table, declared, tenancy)
  })
  checkReferences([...tenancy.tables, ...added], tenancy.globalKeys)
  return { ...tenancy, tables: [...tenancy.tables, ...added] }
}
