/** A migrated database with ContentPilot on it, cloned from a template. */
import { createTestDatabase, type TestDatabase } from '@tenantry/testing'
import { contentpilot } from '../../src/index.ts'
import { migrations } from '../../src/migrations.ts'

export type Pilot = ReturnType<typeof contentpilot>

export interface PilotDatabase extends TestDatabase {
  readonly pilot: Pilot
}

export async function pilotDatabase(): Promise<PilotDatabase> {
  const created = await createTestDatabase({
    template: { key: 'contentpilot', sources: [migrations] },
    migrate: (database) => contentpilot(database).migrate(),
  })
  return { ...created, pilot: contentpilot(created.database) }
}
