/** A system of its own for plan limits, and beside it a plain table and the documented trigger that counts rows. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, instant } from '@tenantry/core'
import { migrate } from '@tenantry/ddl'
import { generateMigration } from '@tenantry/ddl/generate'
import { definePlans } from '@tenantry/limits'
import { contextExpressions, defineTenancy, tenancyObjects, withModuleTables } from '@tenantry/rls'
import { getTableName } from 'drizzle-orm'
import { pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { createLoginDatabase, type LoginDatabase } from './login-database.ts'

export const TENANTS = 1000
/** Of the plan `capped`. */
export const CAP = 500

export const subscriptions = pgTable('subscriptions', {
  userId: uuid('user_id').primaryKey(),
  plan: text('plan').notNull(),
  anchor: instant('anchor'),
})

export const plans = definePlans({
  features: { posts: { kind: 'metered', per: 'calendar_month' } },
  plans: { none: { posts: 0 }, capped: { posts: CAP }, large: { posts: 1_000_000_000 } },
  subscription: { table: subscriptions, account: 'userId', plan: 'plan', anchor: 'anchor' },
  defaultPlan: 'none',
  tenant: { expression: contextExpressions({ kind: 'user-uuid' }).tenant, type: 'uuid' },
})

const schema = { subscriptions }

export const tenancy = defineTenancy({
  kind: 'user-uuid',
  schema,
  tables: {
    subscriptions: { class: 'tenant', column: 'userId', insert: false, update: false, delete: false },
  },
})

/** `00000000-0000-4000-8000-000000000001` is the first tenant, as an SQL expression over a number. */
export const tenantExpression = (number: string): string =>
  `('00000000-0000-4000-8000-' || lpad((${number})::text, 12, '0'))::uuid`

export const tenantId = (number: number): string =>
  `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`

export const createLimitsDatabase = (serverUrl: string): Promise<LoginDatabase> =>
  createLoginDatabase(serverUrl, migrateAs)

async function migrateAs(ownerUrl: string): Promise<void> {
  const tables = plans.module.tables ?? []
  const objects = [...tenancyObjects(withModuleTables(tenancy, tables)), ...plans.module.objects]
  const moduleTables = Object.fromEntries(tables.map(({ table }) => [getTableName(table), table]))
  const directory = mkdtempSync(join(tmpdir(), 'tenantry-bench-'))
  const owner = await connect(ownerUrl)
  try {
    await generateMigration({ name: 'limits', schema: { ...schema, ...moduleTables }, objects, directory })
    await migrate(owner.driver, { system: 'limits', migrations: directory })
    await owner.driver.session(async (session) => {
      await session.script(BESIDE)
      await session.script(
        `insert into subscriptions (user_id, plan) select ${tenantExpression('n')}, 'large' from generate_series(1, ${TENANTS}) as n`,
      )
    })
  } finally {
    await owner.close()
    rmSync(directory, { recursive: true })
  }
}

/**
 * What an application does that only writes down what was used: a row of the documented usage table, with its foreign
 * key and its three indexes. And one that counts those rows before it does.
 */
const BESIDE = `
create table users (id uuid primary key);
insert into users select ${tenantExpression('n')} from generate_series(1, 5000) as n;
create table plain_usage (
  id uuid primary key default gen_random_uuid(),
  user_id uuid not null references users (id) on delete cascade,
  resource_type varchar(50) not null,
  cost decimal(10, 4),
  metadata jsonb not null default '{}',
  created_at timestamptz not null default now()
);
create index on plain_usage (user_id);
create index on plain_usage (user_id, created_at);
create index on plain_usage (resource_type);

create table counted_usage (like plain_usage including all);
create function count_usage() returns trigger language plpgsql as $$
begin
  if (
    select count(*) from counted_usage
    where user_id = new.user_id and created_at >= date_trunc('month', now())
  ) >= ${CAP} then
    raise exception 'limit reached' using errcode = 'TN002';
  end if;
  return new;
end $$;
create trigger count_usage before insert on counted_usage for each row execute function count_usage();

-- A refusal ends a pgbench client; here it is an answer.
create function try_count(tenant uuid) returns void language plpgsql as $$
begin
  insert into counted_usage (user_id, resource_type, cost) values (tenant, 'posts', 1);
exception when sqlstate 'TN002' then null;
end $$;
create function try_consume(tenant uuid) returns void language plpgsql as $$
begin
  perform tenantry.limit_consume(tenant, 'posts', '', 1, null);
exception when sqlstate 'TN002' then null;
end $$;
`
