/** For the proof that every statement a repository can emit names its tenant: all its methods, called and recorded. */
import type { Executor, Statement } from '@tenantry/core'
import { recorded } from './recorded.ts'
import { tenantsNamed, type TenantTables } from './tenants-named.ts'

/** What a call sends, outside a transaction or in one. A call that is refused counts with what it had sent. */
export async function statementsOf(
  executor: Executor,
  options: { readonly inTransaction: boolean },
  call: (executor: Executor) => Promise<unknown>,
): Promise<Statement[]> {
  const log: Statement[] = []
  const recording = recorded(executor, log)
  await (options.inTransaction ? recording.transaction(call) : call(recording))
  return log
}

export interface NamedOptions {
  /** Parameters that constrain tenant columns must be this one. Absent: they must be some value. */
  readonly tenant?: string
  /** The tenant of rows that are shared with all, which may be named as well. */
  readonly shared?: string
  /** Texts that are known to be asked before there is a tenant, or over all of them. */
  readonly except?: readonly string[]
}

/** What isn't proven about the statements, each with its text. None means that every one names its tenant. */
export async function unnamedTenants(
  statements: readonly Statement[],
  tables: TenantTables,
  { tenant, shared, except = [] }: NamedOptions,
): Promise<string[]> {
  const found: string[] = []
  for (const { text, params } of statements) {
    if (except.includes(text)) continue
    const binding =
      tenant === undefined ? undefined : { params, tenant, ...(shared === undefined ? {} : { shared }) }
    for (const { message } of await tenantsNamed(text, tables, binding)) found.push(`${message}: ${text}`)
  }
  return found
}

/** What standard methods are called with. What the database then says doesn't matter. */
export interface StandardArguments {
  readonly key: unknown
  readonly input: object
  readonly change: object
}

type Methods = Record<string, (...args: readonly unknown[]) => unknown>

const CALLS: Readonly<Record<string, (repository: Methods, given: StandardArguments) => unknown>> = {
  get: (repository, { key }) => repository['get']?.(key),
  find: (repository) => repository['find']?.(),
  list: (repository) => repository['list']?.(),
  stream: async (repository) => {
    const rows = repository['stream']?.() as AsyncIterable<unknown>
    for await (const row of rows) if (row === undefined) throw new Error('stream() gave nothing')
  },
  count: (repository) => repository['count']?.(),
  exists: (repository) => repository['exists']?.(),
  create: (repository, { input }) => repository['create']?.(input),
  createMany: (repository, { input }) => repository['createMany']?.([input, input]),
  upsert: (repository, { input }) => repository['upsert']?.(input),
  update: (repository, { key, change }) => repository['update']?.(key, change),
  remove: (repository, { key }) => repository['remove']?.(key),
  restore: (repository, { key }) => repository['restore']?.(key),
}

/** Not statements of their own: every verb goes through them. */
const PLUMBING = ['statement', 'transaction', 'constructor']

/** Every standard method of a bound repository, ready to be called. Throws for one that isn't known here. */
export function standardCalls(
  repository: object,
  given: StandardArguments,
): readonly (readonly [method: string, call: () => Promise<unknown>])[] {
  const methods = Object.getOwnPropertyNames(Object.getPrototypeOf(repository)).filter(
    (name) => !PLUMBING.includes(name),
  )
  return methods.map((method) => {
    const call = CALLS[method]
    if (call === undefined)
      throw new Error(`${method}() of repositories is new: it has to be called here too`)
    return [method, async () => call(repository as Methods, given)] as const
  })
}

/** The verbs of a bound repository, beside its standard methods. */
export function verbsOf(repository: object): string[] {
  return Object.keys(repository)
}
