import { pillars } from '@tenantry/contentpilot/schema'
import { and, eq } from 'drizzle-orm'
import { expectRows, pick } from '../pick.ts'
import type { Scenario } from '../scenario.ts'
import type { Seed } from '../seed.ts'
import { withTenant } from '../usual.ts'

/** One row by its key, of a tenant that differs from call to call. */
export const pointRead: Scenario = {
  name: 'point read',
  block: 200,
  concurrent: true,
  sides({ ours, privileged, raw, usual }, seed) {
    return {
      ours: (index) => ours.as({ userId: at(seed, index).tenant }).pillars.get(at(seed, index).id),
      raw: async (index) => {
        const { tenant, id } = at(seed, index)
        const rows = await raw`
          select id, user_id, name, slug, description, target_audience, tone, classification_prompt,
            generation_prompt, status, created_at, updated_at
          from pillars where user_id = ${tenant} and id = ${id}`
        return expectRows(rows, 1)
      },
      privileged: (index) =>
        privileged.as({ userId: at(seed, index).tenant }).pillars.get(at(seed, index).id),
      usual: (index) => {
        const { tenant, id } = at(seed, index)
        return withTenant(usual, tenant, async (tx) =>
          expectRows(
            await tx
              .select()
              .from(pillars)
              .where(and(eq(pillars.userId, tenant), eq(pillars.id, id))),
            1,
          ),
        )
      },
    }
  },
  targets: [
    { measure: 'p50', against: 'raw', ratio: 1.1 },
    { measure: 'p50', of: 'privileged', against: 'raw' },
    { measure: 'p50', against: 'usual' },
    { measure: 'throughput', against: 'raw', ratio: 0.9 },
    { measure: 'throughput', of: 'privileged', against: 'raw' },
    { measure: 'throughput', against: 'usual', ratio: 4 },
  ],
}

/** The same where a round trip takes what it takes between machines. */
export const distantPointRead: Scenario = {
  ...pointRead,
  name: 'point read, a network away',
  block: 20,
  distant: true,
}

function at({ tenants }: Seed, index: number): { readonly tenant: string; readonly id: string } {
  const tenant = pick(tenants, index)
  return { tenant: tenant.id, id: pick(tenant.pillars, index) }
}
