import type { Check, Connection, DdlObject, Finding } from '@tenantry/core'
import { ROLES, SETTINGS } from '../names.ts'
import type { Tenancy } from '../tenancy.ts'
import { declaredBy } from './declared.ts'
import { deparse, READING_PATH } from './deparse.ts'
import { functionFindings } from './findings/functions.ts'
import { CLIENT_ROLES, grantFindings } from './findings/grants.ts'
import { keyFindings } from './findings/keys.ts'
import { policyFindings } from './findings/policies.ts'
import { roleFindings } from './findings/roles.ts'
import { tableFindings } from './findings/tables.ts'
import { triggerFindings } from './findings/triggers.ts'
import { viewFindings } from './findings/views.ts'
import { readForeignKeys } from './queries/foreign-keys.ts'
import { readFunctions } from './queries/functions.ts'
import { readGrants } from './queries/grants.ts'
import { readIndexes } from './queries/indexes.ts'
import { readPolicies } from './queries/policies.ts'
import { readPresetSettings } from './queries/preset-settings.ts'
import { readReach } from './queries/reach.ts'
import { readRelations } from './queries/relations.ts'
import { readRoles } from './queries/roles.ts'
import { readRules } from './queries/rules.ts'
import { rowsOf } from './queries/rows.ts'
import { readSchemaCreators } from './queries/schema-creators.ts'
import { readTriggers } from './queries/triggers.ts'
import { readDependentViews } from './queries/views.ts'
import { undone } from './undone.ts'

export interface VerifyIsolationOptions {
  readonly tenancy: Tenancy
  /** Everything that the system declares beside its tables; what follows from the tenancy may be left out. */
  readonly objects: readonly DdlObject[]
}

/**
 * Compares a live database with the declarations that isolate its tenants, and lists every departure: row
 * security, policies, grants, partitions, views, functions, triggers, keys, roles. An empty answer means
 * that nothing was found open.
 *
 * It must run inside a transaction that may write, as the role that migrates: to compare expressions it
 * makes temporary tables and undoes them. It leaves nothing behind and locks no table against anyone.
 */
export async function verifyIsolation(
  connection: Connection,
  { tenancy, objects }: VerifyIsolationOptions,
): Promise<readonly Finding[]> {
  const declared = declaredBy(tenancy, objects)
  return undone(connection, async (part) => {
    const [path] = await rowsOf<{ readonly value: string }>(
      part,
      `select pg_catalog.current_setting('search_path') as value`,
      [],
    )
    await part.script(READING_PATH)
    const deparsed = await deparse(part, declared, path?.value ?? '')
    const { schemas } = declared
    const relations = await readRelations(part, schemas)
    const labels = relations.map(({ label }) => label)
    const tables = [...declared.tables.keys()]
    const secret = tables.filter((label) => declared.tables.get(label)?.class !== 'global')
    const views = await readDependentViews(part, secret)
    // A materialized view of tenants' rows counts wherever it was made.
    const materialized = views
      .filter(({ label, kind }) => kind === 'materialized view' && !labels.includes(label))
      .map(
        ({ label }) =>
          ({
            label,
            kind: 'materialized view',
            root: null,
            enabled: false,
            forced: false,
            owner: '',
            ownerBypasses: false,
          }) as const,
      )
    const reachable = [...relations, ...materialized]
    const [policies, triggers] = [
      await readPolicies(part, schemasOf(labels)),
      await readTriggers(part, schemasOf(labels)),
    ]
    return [
      ...tableFindings(declared, relations, await readRules(part, labels)),
      ...policyFindings(declared, deparsed, policies, relations),
      ...grantFindings(declared, {
        relations: reachable,
        grants: await readGrants(part, labels),
        reach: await readReach(
          part,
          reachable.map(({ label }) => label),
          CLIENT_ROLES,
        ),
        creators: await readSchemaCreators(part, schemas, CLIENT_ROLES),
      }),
      ...viewFindings(views),
      ...functionFindings(declared, deparsed, await readFunctions(part, schemas)),
      ...triggerFindings(declared, deparsed, triggers, relations),
      ...keyFindings(declared, await readForeignKeys(part, tables), await readIndexes(part, tables)),
      ...roleFindings(
        await readRoles(part, Object.values(ROLES)),
        await readPresetSettings(part, Object.values(SETTINGS)),
      ),
    ]
  })
}

/** The schemas that relations are in: a partition's may be another than its parent's. */
function schemasOf(labels: readonly string[]): readonly string[] {
  return [...new Set(labels.map((label) => label.slice(0, label.indexOf('.'))))]
}

/** `verifyIsolation` as a check of a system. */
export function isolationCheck(tenancy: Tenancy, objects: readonly DdlObject[]): Check {
  return {
    name: 'isolation',
    guarantee:
      'No tenant reaches rows of another: everything that isolates them is in the database as declared',
    run: (connection) => verifyIsolation(connection, { tenancy, objects }),
  }
}
