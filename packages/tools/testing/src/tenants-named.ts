/**
 * Proves from its text that a statement names its tenant on every tenant table in it, by PostgreSQL's own
 * parser. What can't be proven counts as a violation: the statements of a repository are simple enough.
 *
 * A use of a tenant table is constrained when its tenant column must equal a parameter or constant, or the
 * tenant column of another constrained use, by conditions joined by AND in the WHERE or the join that applies
 * to it. An inserted row must get its tenant the same way, and an upsert must find the row by a key that holds
 * the tenant.
 */
import { parse } from 'libpg-query'

/** Tenant tables by name, as `table` or `schema.table`, with the tenant column. Views count too. */
export type TenantTables = Readonly<Record<string, string>>

export interface TenantViolation {
  readonly table: string
  /** What isn't proven, in a sentence. */
  readonly message: string
}

export interface TenantBinding {
  /** The statement's parameters, in order. */
  readonly params: readonly unknown[]
  /** The parameters that constrain tenant columns must have this value. */
  readonly tenant: string
  /** Or this one, where it is the tenant of rows that are shared with all. */
  readonly shared?: string
}

/** All violations of a text of one or more statements; none means that it holds. Rejects for text that isn't SQL. */
export async function tenantsNamed(
  sql: string,
  tables: TenantTables,
  binding?: TenantBinding,
): Promise<TenantViolation[]> {
  const parsed: unknown = await parse(sql)
  const prover = new Prover(tables, binding)
  for (const { stmt } of list(parsed, 'stmts').map(object)) prover.statement(object(stmt), [])
  return prover.violations
}

type Node = Readonly<Record<string, unknown>>

/** One use of a relation in a FROM list; `column` is null when it isn't a tenant table. */
interface Use {
  readonly alias: string
  readonly table: string
  readonly column: string | null
  constrained: boolean
}

/** An equality that must hold for rows of the uses it applies to. */
interface Equality {
  readonly left: Node
  readonly right: Node
  readonly appliesTo: ReadonlySet<Use>
}

/** What a query level can see: its own relations, then those of the levels around it. */
type Levels = readonly (readonly Use[])[]

const QUERIES = ['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt'] as const

class Prover {
  readonly violations: TenantViolation[] = []
  readonly #tables: TenantTables
  readonly #binding: TenantBinding | undefined

  constructor(tables: TenantTables, binding: TenantBinding | undefined) {
    this.#tables = tables
    this.#binding = binding
  }

  statement(node: Node, outer: Levels): void {
    const kind = QUERIES.find((name) => name in node)
    if (kind === undefined) return this.#other(node)
    const body = object(node[kind])
    for (const query of list(body['withClause'], 'ctes').map((each) =>
      object(object(each)['CommonTableExpr']),
    )) {
      const name = text(query['ctename'])
      if (this.#tenantColumn({ relname: name }) !== null)
        this.#violation(name, 'a WITH query takes the name of the table')
    }
    if (kind === 'InsertStmt') this.#insert(body, outer)
    else if (kind === 'SelectStmt') this.#query(body, list(body, 'fromClause'), outer)
    else
      this.#query(
        body,
        [{ RangeVar: body['relation'] }, ...list(body, kind === 'UpdateStmt' ? 'fromClause' : 'usingClause')],
        outer,
      )
    if (kind === 'UpdateStmt') this.#keepsTenant(body, this.#tenantColumn(object(body['relation'])))
  }

  /** SELECT, UPDATE and DELETE: relations, and conditions on them. */
  #query(body: Node, from: readonly unknown[], outer: Levels): void {
    const uses = this.#uses(body, from, outer)
    for (const use of uses) {
      if (use.column !== null && !use.constrained) {
        this.#violation(use.table, `${use.alias}.${use.column} is not tied to the tenant`)
      }
    }
    this.#nested(body, [uses, ...outer])
  }

  /** The relations of a query level, with what its conditions constrain. */
  #uses(body: Node, from: readonly unknown[], outer: Levels): Use[] {
    const equalities: Equality[] = []
    const uses = from.flatMap((item) => this.#relations(object(item), equalities))
    const all = new Set(uses)
    for (const condition of conjuncts(body['whereClause'])) addEquality(equalities, condition, all)
    this.#constrain(uses, equalities, [uses, ...outer])
    return uses
  }

  #insert(body: Node, outer: Levels): void {
    const relation = object(body['relation'])
    const column = this.#tenantColumn(relation)
    const table = text(relation['relname'])
    const source = object(object(body['selectStmt'])['SelectStmt'])
    if (column !== null) {
      const position = list(body, 'cols').findIndex(
        (target) => text(object(object(target)['ResTarget'])['name']) === column,
      )
      const given = position < 0 ? [] : this.#inserted(source, position)
      const levels = [this.#uses(source, list(source, 'fromClause'), outer), ...outer]
      const held = (value: Node) => this.#isTenant(value) || tenantOf(value, levels)?.constrained === true
      if (given.length === 0 || !given.every(held)) {
        this.#violation(table, `${column} of an inserted row is not tied to the tenant`)
      }
      this.#upsert(object(body['onConflictClause']), table, column)
    }
    // The target is in sight of ON CONFLICT's conditions, constrained by its key.
    const target: Use = { alias: aliasOf(relation), table, column, constrained: true }
    this.#nested(body, [[target], ...outer])
  }

  /** The values that a column position gets, one for each row of VALUES. */
  #inserted(source: Node, position: number): Node[] {
    const rows = list(source, 'valuesLists').map((row) => list(object(row)['List'], 'items'))
    if (rows.length > 0) return rows.map((row) => object(row[position]))
    const target = object(list(source, 'targetList')[position])
    return [object(object(target['ResTarget'])['val'])]
  }

  #upsert(conflict: Node, table: string, column: string): void {
    if (conflict['action'] !== 'ONCONFLICT_UPDATE') return
    const key = list(conflict['infer'], 'indexElems').map(
      (element) => object(object(element)['IndexElem'])['name'],
    )
    if (!key.includes(column)) this.#violation(table, `ON CONFLICT finds the row by a key without ${column}`)
    this.#keepsTenant(conflict, column, table)
  }

  #keepsTenant(body: Node, column: string | null, table = text(object(body['relation'])['relname'])): void {
    const set = list(body, 'targetList').map((target) => text(object(object(target)['ResTarget'])['name']))
    if (column !== null && set.includes(column))
      this.#violation(table, `${column} of an existing row is changed`)
  }

  /** The uses in a FROM item; the equalities of its joins are added to `equalities`. */
  #relations(item: Node, equalities: Equality[]): Use[] {
    if ('RangeVar' in item) {
      const relation = object(item['RangeVar'])
      const column = this.#tenantColumn(relation)
      return [{ alias: aliasOf(relation), table: text(relation['relname']), column, constrained: false }]
    }
    if ('JoinExpr' in item) return this.#join(object(item['JoinExpr']), equalities)
    const [range] = Object.values(item).map(object)
    const alias = text(object(range?.['alias'])['aliasname'])
    return alias === '' ? [] : [{ alias, table: alias, column: null, constrained: false }]
  }

  #join(join: Node, equalities: Equality[]): Use[] {
    const left = this.#relations(object(join['larg']), equalities)
    const right = this.#relations(object(join['rarg']), equalities)
    // A condition of an outer join doesn't remove rows of the side that is kept.
    const applies = new Map<unknown, readonly Use[]>([
      ['JOIN_INNER', [...left, ...right]],
      ['JOIN_LEFT', right],
      ['JOIN_RIGHT', left],
    ])
    const appliesTo = new Set(applies.get(join['jointype']) ?? [])
    for (const condition of conjuncts(join['quals'])) addEquality(equalities, condition, appliesTo)
    for (const name of list(join, 'usingClause').map((each) =>
      text(object(object(each)['String'])['sval']),
    )) {
      for (const one of left) {
        for (const other of right)
          equalities.push({ left: reference(one, name), right: reference(other, name), appliesTo })
      }
    }
    return [...left, ...right]
  }

  /** Carries the constraint along the equalities until nothing more is reached. */
  #constrain(uses: readonly Use[], equalities: readonly Equality[], levels: Levels): void {
    let open: boolean
    do {
      open = false
      for (const { left, right, appliesTo } of equalities) {
        for (const [side, other] of [[left, right] as const, [right, left] as const]) {
          const use = tenantOf(side, levels)
          if (use === undefined || use.constrained || !appliesTo.has(use) || !uses.includes(use)) continue
          if (!this.#isTenant(other) && tenantOf(other, levels)?.constrained !== true) continue
          use.constrained = true
          open = true
        }
      }
    } while (open)
  }

  /** Queries inside a query: in FROM, in expressions, in WITH, in the arms of UNION. */
  #nested(node: unknown, levels: Levels): void {
    if (Array.isArray(node)) for (const each of node) this.#nested(each, levels)
    if (!isNode(node)) return
    for (const [name, value] of Object.entries(node)) {
      if (name === 'larg' || name === 'rarg') this.#arm(value, levels)
      else if (QUERIES.some((query) => query === name)) this.statement({ [name]: value }, levels)
      else this.#nested(value, levels)
    }
  }

  /** `larg` is a side of a join, wrapped in its node's name, or an arm of a set operation, which is bare. */
  #arm(value: unknown, levels: Levels): void {
    const bare = object(value)
    if ('op' in bare) this.statement({ SelectStmt: bare }, levels)
    else this.#nested(bare, levels)
  }

  /** Another kind of statement must leave tenant tables alone: what it would do isn't known here. */
  #other(node: unknown): void {
    if (Array.isArray(node)) for (const each of node) this.#other(each)
    if (!isNode(node)) return
    if (typeof node['relname'] === 'string' && this.#tenantColumn(node) !== null) {
      this.#violation(node['relname'], 'only SELECT, INSERT, UPDATE and DELETE can be proven')
    }
    for (const value of Object.values(node)) this.#other(value)
  }

  #tenantColumn(relation: Node): string | null {
    const name = text(relation['relname'])
    const schema = text(relation['schemaname'])
    return this.#tables[`${schema === '' ? 'public' : schema}.${name}`] ?? this.#tables[name] ?? null
  }

  /** A parameter or constant, cast or not; with a binding, the parameter that holds the tenant. */
  #isTenant(value: Node): boolean {
    if ('TypeCast' in value) return this.#isTenant(object(object(value['TypeCast'])['arg']))
    if ('ParamRef' in value) {
      const number = object(value['ParamRef'])['number']
      return (
        this.#binding === undefined ||
        (typeof number === 'number' && this.#isBound(this.#binding.params[number - 1]))
      )
    }
    if (!('A_Const' in value)) return false
    const { sval, isnull } = object(value['A_Const'])
    if (isnull === true) return false
    return this.#isBound(object(sval)['sval'])
  }

  #isBound(value: unknown): boolean {
    if (this.#binding === undefined) return true
    const { tenant, shared = tenant } = this.#binding
    return value === tenant || value === shared
  }

  #violation(table: string, message: string): void {
    this.violations.push({ table, message })
  }
}

/** The operands of ANDs; a condition below an OR or a NOT guarantees nothing. */
function conjuncts(condition: unknown): Node[] {
  if (!isNode(condition)) return []
  const bool = object(condition['BoolExpr'])
  return bool['boolop'] === 'AND_EXPR' ? list(bool, 'args').flatMap(conjuncts) : [condition]
}

function addEquality(equalities: Equality[], condition: Node, appliesTo: ReadonlySet<Use>): void {
  const expression = object(condition['A_Expr'])
  const operator = list(expression, 'name').map((each) => object(object(each)['String'])['sval'])
  if (expression['kind'] !== 'AEXPR_OP' || operator.at(-1) !== '=') return
  equalities.push({ left: object(expression['lexpr']), right: object(expression['rexpr']), appliesTo })
}

/** The use whose tenant column this expression is, looked up from the inside out as PostgreSQL does. */
function tenantOf(expression: Node, levels: Levels): Use | undefined {
  const path = list(expression['ColumnRef'], 'fields').map((field) =>
    text(object(object(field)['String'])['sval']),
  )
  const column = path.at(-1)
  const qualifier = path.at(-2)
  if (column === undefined) return undefined
  for (const uses of levels) {
    // Without a catalog, a bare name can only be placed where there is one relation.
    const use =
      qualifier === undefined && uses.length === 1 ? uses[0] : uses.find(({ alias }) => alias === qualifier)
    if (use !== undefined) return use.column === column ? use : undefined
    if (qualifier === undefined) return undefined
  }
  return undefined
}

function reference({ alias }: Use, column: string): Node {
  return { ColumnRef: { fields: [{ String: { sval: alias } }, { String: { sval: column } }] } }
}

function aliasOf(relation: Node): string {
  return text(object(relation['alias'])['aliasname']) || text(relation['relname'])
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function object(value: unknown): Node {
  return isNode(value) ? value : {}
}

function list(value: unknown, name: string): readonly unknown[] {
  const items = object(value)[name]
  return Array.isArray(items) ? items : []
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
