/** Proof that isolation is really looked at: each policy is dropped and loosened, and somebody must notice. */
import type { Connection } from '@tenantry/core'
import { quoteIdentifier, relation } from '@tenantry/ddl'
import { ROLES, verifyIsolation } from '@tenantry/rls'
import { findLeaks, type IsolationTarget, type SeededTenants } from './isolation.ts'
import { undone } from './undone.ts'

interface Mutation {
  readonly name: string
  readonly table: string
  readonly sql: string
  /** It opens a table: to be noticed by trying, not only by comparing. */
  readonly opens: boolean
}

/**
 * Drops and loosens every policy of every table of a system, and for each tenant table and command both policies
 * that hold it: one mutation of a table at a time, of all tables at once. After each, `verifyIsolation` must find
 * something of the table, and where it was opened, so must the walk of `expectIsolated`. Answers the mutations
 * that went unnoticed, which must be none. Everything is rolled back.
 */
export function isolationMutations(
  target: IsolationTarget,
  seeded: SeededTenants,
): Promise<readonly string[]> {
  return target.database.driver.transaction({}, async (connection) => {
    const unnoticed: string[] = []
    for (const round of rounds(await mutationsOf(connection, target))) {
      await undone(connection, async (part) => {
        for (const mutation of round) await part.script(mutation.sql)
        const findings = await verifyIsolation(part, target.definition)
        const opened = round.filter((mutation) => mutation.opens).map((mutation) => mutation.table)
        const leaks = opened.length === 0 ? [] : await findLeaks(part, seeded, { only: opened })
        for (const { name, table, opens } of round) {
          if (!findings.some(({ object }) => object === table))
            unnoticed.push(`${name}: verifyIsolation found nothing`)
          if (opens && !leaks.some((leak) => leak.startsWith(`${table} as `)))
            unnoticed.push(`${name}: expectIsolated found nothing`)
        }
      })
    }
    return unnoticed
  })
}

/** The first mutation of each table, the second of each, …: those that open a table by themselves. */
function rounds(mutations: readonly Mutation[]): readonly (readonly Mutation[])[] {
  return [true, false].flatMap((opens) => {
    const of = new Map<string, Mutation[]>()
    for (const mutation of mutations.filter((each) => each.opens === opens)) {
      of.set(mutation.table, [...(of.get(mutation.table) ?? []), mutation])
    }
    const most = Math.max(0, ...[...of.values()].map((each) => each.length))
    return Array.from({ length: most }, (_, index) =>
      [...of.values()].flatMap((each) => each.slice(index, index + 1)),
    )
  })
}

interface LivePolicy {
  readonly name: string
  readonly command: 'ALL' | 'SELECT' | 'INSERT' | 'UPDATE' | 'DELETE'
  readonly permissive: boolean
  readonly forTenants: boolean
}

async function mutationsOf(
  connection: Connection,
  { definition }: IsolationTarget,
): Promise<readonly Mutation[]> {
  const mutations: Mutation[] = []
  for (const classified of definition.tenancy.tables) {
    const { label, sql } = relation(classified.table)
    const { rows } = await connection.query({
      text: `select policyname::text, cmd, permissive = 'PERMISSIVE', $3 = any (roles::text[])
        from pg_catalog.pg_policies where schemaname = $1 and tablename = $2 order by 1`,
      params: [classified.schema, classified.name, ROLES.tenant],
    })
    const policies = rows.map(
      ([name, command, permissive, forTenants]) => ({ name, command, permissive, forTenants }) as LivePolicy,
    )
    const mutation = (name: string, opens: boolean, ...statements: readonly string[]): void =>
      void mutations.push({ name: `${label}, ${name}`, table: label, sql: statements.join(';\n'), opens })
    const drop = ({ name }: LivePolicy): string => `drop policy ${quoteIdentifier(name)} on ${sql}`
    for (const policy of policies) {
      mutation(`${policy.name} dropped`, false, drop(policy))
      if (policy.forTenants && classified.class === 'tenant') {
        mutation(`${policy.name} loosened`, false, loosen(sql, policy))
      }
    }
    const restrictive = policies.filter((policy) => !policy.permissive)
    for (const policy of policies.filter(
      (each) => each.permissive && each.forTenants && classified.class === 'tenant',
    )) {
      mutation(`open for ${policy.command}`, true, ...restrictive.map(drop), loosen(sql, policy))
    }
    mutation(
      'without row security',
      classified.class === 'tenant',
      `alter table ${sql} disable row level security`,
    )
  }
  return mutations
}

function loosen(table: string, { name, command }: LivePolicy): string {
  const using = command === 'INSERT' ? '' : ' using (true)'
  const check = command === 'SELECT' || command === 'DELETE' ? '' : ' with check (true)'
  return `alter policy ${quoteIdentifier(name)} on ${table}${using}${check}`
}
