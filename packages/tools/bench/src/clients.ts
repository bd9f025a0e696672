/** The four sides' connections. */
import { contentpilot } from '@tenantry/contentpilot'
import { connect } from '@tenantry/core'
import { drizzle, type PostgresJsDatabase } from 'drizzle-orm/postgres-js'
import postgres from 'postgres'
import type { BenchDatabase } from './database.ts'

type Pilot = ReturnType<typeof contentpilot>

export interface Clients {
  /** With a login that is itself subject to row security. */
  readonly ours: Pilot
  /** With the owner's login, a superuser: the library keeps its sessions below row security. */
  readonly privileged: Pilot
  /** The owner's: no row security applies. */
  readonly raw: postgres.Sql
  /** Below row security, as most applications do it. */
  readonly usual: PostgresJsDatabase
  close(): Promise<void>
}

export async function openClients(
  { ownerUrl, appUrl, usualUrl }: Pick<BenchDatabase, 'ownerUrl' | 'appUrl' | 'usualUrl'>,
  max: number,
): Promise<Clients> {
  const [app, owner] = await Promise.all([
    connect({ url: appUrl, maxConnections: max }),
    connect({ url: ownerUrl, maxConnections: max }),
  ])
  // Idle connections stay: reconnecting isn't what is measured.
  const raw = postgres(ownerUrl, { max, onnotice: () => {} })
  const usual = postgres(usualUrl, { max, onnotice: () => {} })
  return {
    ours: contentpilot(app),
    privileged: contentpilot(owner),
    raw,
    usual: drizzle(usual),
    async close() {
      await Promise.all([app.close(), owner.close(), raw.end({ timeout: 5 }), usual.end({ timeout: 5 })])
    },
  }
}
