import type { DdlObject } from '@tenantry/core'
import {
  type DeclaredObject,
  type FunctionObject,
  type GrantsObject,
  type LockDownObject,
  type MaterializedViewObject,
  type PolicyObject,
  relation,
  type RowSecurityObject,
  type TriggerObject,
  type ViewObject,
} from '@tenantry/ddl'
import { LIBRARY_SCHEMA } from '../names.ts'
import { tenancyObjects } from '../policies.ts'
import type { ClassifiedTable, Tenancy } from '../tenancy.ts'

/** What a system declares, ordered by what the catalog is asked. Relations are called `schema.name`. */
export interface Declared {
  readonly tenancy: Tenancy
  readonly tables: ReadonlyMap<string, ClassifiedTable>
  /** Tables with row security: the classified ones, and those of mechanisms. */
  readonly guarded: ReadonlySet<string>
  /** Relations whose grants are declared, if only as none. */
  readonly covered: ReadonlySet<string>
  readonly policies: readonly PolicyObject[]
  readonly triggers: readonly TriggerObject[]
  readonly functions: readonly FunctionObject[]
  readonly grants: readonly GrantsObject[]
  /** Postgres schemas in which something is declared. */
  readonly schemas: readonly string[]
}

interface ByType {
  readonly policy: PolicyObject
  readonly trigger: TriggerObject
  readonly function: FunctionObject
  readonly grants: GrantsObject
  readonly 'lock-down': LockDownObject
  readonly 'row-security': RowSecurityObject
  readonly view: ViewObject
  readonly 'materialized-view': MaterializedViewObject
}

export function labelOf(table: ClassifiedTable): string {
  return relation(table.table).label
}

export function declaredBy(tenancy: Tenancy, objects: readonly DdlObject[]): Declared {
  const byId = new Map([...tenancyObjects(tenancy), ...objects].map((object) => [object.id, object]))
  const all = [...byId.values()] as (DdlObject & Partial<Pick<DeclaredObject, 'type'>>)[]
  const of = <K extends keyof ByType>(type: K): readonly ByType[K][] =>
    all.filter((object): object is ByType[K] & DdlObject => object.type === type)
  const tables = new Map(tenancy.tables.map((table) => [labelOf(table), table]))
  const guarded = new Set([...tables.keys(), ...of('row-security').map((object) => object.on)])
  const views = [...of('view'), ...of('materialized-view')].map((object) => `${object.schema}.${object.name}`)
  const covered = new Set([
    ...guarded,
    ...views,
    ...of('grants').map((object) => object.on),
    ...of('lock-down').map((object) => object.on),
  ])
  return {
    tenancy,
    tables,
    guarded,
    covered,
    policies: of('policy'),
    triggers: of('trigger'),
    functions: of('function'),
    grants: of('grants'),
    schemas: [
      ...new Set([
        LIBRARY_SCHEMA,
        ...tenancy.tables.map((table) => table.schema),
        ...of('function').map((object) => object.schema),
        ...[...covered].map((label) => label.slice(0, label.indexOf('.'))),
      ]),
    ],
  }
}
