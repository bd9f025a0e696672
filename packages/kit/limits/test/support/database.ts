/** A database with nothing in it but the roles and the objects of one mechanism. */
import { type DdlObject, DDL_KINDS } from '@tenantry/core'
import { role, schema } from '@tenantry/ddl'
import { createTestDatabase, type TestDatabase } from '@tenantry/testing'

export type Rows = readonly (readonly unknown[])[]

export interface Setup extends TestDatabase {
  /** Raw SQL with the login's own rights. */
  raw(text: string, ...params: readonly unknown[]): Promise<Rows>
}

export const ROLES = ['tenantry_tenant', 'tenantry_service', 'tenantry_definer'] as const

/** Runs the objects' own statements, in the order of their kinds, after those of `tables`. */
export async function createDatabase(
  objects: readonly DdlObject[],
  tables: readonly string[] = [],
): Promise<Setup> {
  const test = await createTestDatabase()
  const { driver } = test.database
  const all = [
    ...ROLES.map((name) => role({ name })),
    schema({ name: 'tenantry', usableBy: ROLES }),
    ...objects,
  ]
  const unique = [...new Map(all.map((object) => [object.id, object])).values()]
  const early = new Set(['extension', 'role', 'schema', 'prelude'])
  const ordered = unique.toSorted((a, b) => DDL_KINDS.indexOf(a.kind) - DDL_KINDS.indexOf(b.kind))
  const statements = [
    ...ordered.filter(({ kind }) => early.has(kind)).flatMap(({ create }) => create),
    ...tables,
    ...ordered.filter(({ kind }) => !early.has(kind)).flatMap(({ create }) => create),
  ]
  await driver.session(async (session) => {
    for (const text of statements) await session.script(text)
  })
  return {
    ...test,
    raw: async (text, ...params) => (await driver.query({ text, params })).rows,
  }
}
