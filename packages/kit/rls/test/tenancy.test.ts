/** A tenancy that PostgreSQL would refuse, or that would leave something open, can't be declared. */
import { ConfigurationError } from '@tenantry/core'
import {
  boolean,
  foreignKey,
  index,
  integer,
  pgTable,
  primaryKey,
  serial,
  text,
  unique,
  uniqueIndex,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'
import { describe, expect, it } from 'vitest'
import { defineTenancy, tenancyObjects } from '../src/index.ts'
import * as clerk from './support/clerk.ts'
import * as notes from './support/notes.ts'
import * as teams from './support/teams.ts'

const id = () => uuid('id').primaryKey().defaultRandom()
const owner = () => uuid('owner_id').notNull()

const things = pgTable('things', { id: id(), ownerId: owner(), name: text('name') })
const others = pgTable('others', { id: id() })
const tenant = { class: 'tenant', column: 'ownerId' } as const

const refused = (declare: () => unknown, message: RegExp): void => {
  expect(declare).toThrow(ConfigurationError)
  expect(declare).toThrow(message)
}

describe('a table without a class', () => {
  it("doesn't compile, and is an error in JavaScript", () => {
    refused(
      () =>
        defineTenancy({
          kind: 'user-uuid',
          schema: { things, others },
          // @ts-expect-error `others` is missing
          tables: { things: tenant },
        }),
      /others has no class.*nothing is guessed/,
    )
  })

  it("doesn't compile with a column that isn't its own", () => {
    refused(
      () =>
        defineTenancy({
          kind: 'user-uuid',
          schema: { things },
          // @ts-expect-error there is no such column
          tables: { things: { class: 'tenant', column: 'userId' } },
        }),
      /things has no column userId/,
    )
  })

  it('is not one that the schema lacks', () => {
    refused(
      () =>
        defineTenancy({
          kind: 'user-uuid',
          schema: { things },
          // @ts-expect-error there is no such table
          tables: { things: tenant, thinks: { class: 'global' } },
        }),
      /names thinks, which is no table of the schema/,
    )
  })
})

describe('a tenant column', () => {
  const declare = (table: ReturnType<typeof pgTable>, kind: 'user-uuid' | 'user-text' = 'user-uuid') =>
    defineTenancy({
      kind,
      schema: { table },
      tables: { table: { class: 'tenant', column: 'ownerId' as never } },
    })

  it.each([
    ['text for a uuid', 'user-uuid', pgTable('t', { id: id(), ownerId: text('owner_id').notNull() })],
    ['uuid for a text', 'user-text', pgTable('t', { id: id(), ownerId: uuid('owner_id').notNull() })],
    ['integer', 'user-uuid', pgTable('t', { id: id(), ownerId: integer('owner_id').notNull() })],
  ] as const)('of another type is refused: %s', (_what, kind, table) => {
    refused(() => declare(table as never, kind), /t\.owner_id is .*, but the tenant is a (uuid|text)/)
  })

  it('may be a varchar where the tenant is a text', () => {
    expect(() =>
      declare(
        pgTable('t', { id: id(), ownerId: varchar('owner_id', { length: 64 }).notNull() }) as never,
        'user-text',
      ),
    ).not.toThrow()
  })

  it('that may be null is refused, unless it is said what null means', () => {
    const table = pgTable('t', { id: id(), ownerId: uuid('owner_id') })
    refused(() => declare(table as never), /t\.owner_id may be null/)
    expect(() =>
      defineTenancy({
        kind: 'user-uuid',
        schema: { table },
        tables: { table: { class: 'tenant', column: 'ownerId', nullMeans: 'hidden' } },
      }),
    ).not.toThrow()
  })

  it('of a table without a primary key is refused', () => {
    refused(() => declare(pgTable('t', { ownerId: owner() }) as never), /t has no primary key/)
  })
})

describe('a key', () => {
  const parents = pgTable('parents', { id: id(), ownerId: owner() }, (t) => [
    unique('parents_owner').on(t.ownerId, t.id),
  ])

  it('that refers to another tenant table without the tenant is refused', () => {
    const children = pgTable('children', {
      id: id(),
      ownerId: owner(),
      parentId: uuid('parent_id').references(() => parents.id),
    })
    refused(
      () =>
        defineTenancy({
          kind: 'user-uuid',
          schema: { parents, children },
          tables: { parents: tenant, children: tenant },
        }),
      /children_parent_id_parents_id_fk leaves out the tenant.*Reference \(owner_id, …\)/,
    )
  })

  it('that refers with the tenant is taken', () => {
    const children = pgTable('children', { id: id(), ownerId: owner(), parentId: uuid('parent_id') }, (t) => [
      foreignKey({ columns: [t.ownerId, t.parentId], foreignColumns: [parents.ownerId, parents.id] }),
    ])
    expect(() =>
      defineTenancy({
        kind: 'user-uuid',
        schema: { parents, children },
        tables: { parents: tenant, children: tenant },
      }),
    ).not.toThrow()
  })

  it.each([
    ['a column', pgTable('t', { id: id(), ownerId: owner(), slug: text('slug').unique() })],
    [
      'a constraint',
      pgTable('t', { id: id(), ownerId: owner(), slug: text('slug') }, (t) => [unique('u').on(t.slug)]),
    ],
    [
      'an index',
      pgTable('t', { id: id(), ownerId: owner(), slug: text('slug') }, (t) => [uniqueIndex('u').on(t.slug)]),
    ],
  ])('that is unique without the tenant is refused: %s', (_what, table) => {
    refused(
      () => defineTenancy({ kind: 'user-uuid', schema: { table }, tables: { table: tenant } }),
      /The unique key \w+ of t leaves out the tenant/,
    )
  })

  it.each([
    ['of a natural value', pgTable('t', { ownerId: owner(), id: text('id').primaryKey() }), false],
    [
      'that the process makes',
      pgTable('t', { ownerId: owner(), id: text('id').primaryKey().$defaultFn(String) }),
      false,
    ],
    ['that the database makes', pgTable('t', { ownerId: owner(), id: serial('id').primaryKey() }), true],
    [
      'that holds the tenant',
      pgTable('t', { ownerId: owner(), id: text('id').notNull() }, (table) => [
        primaryKey({ columns: [table.ownerId, table.id] }),
      ]),
      true,
    ],
  ])("that is primary, and %s: a tenant learns of nobody else's by it", (_what, t, taken) => {
    const define = (more: { readonly insert?: false; readonly clientIds?: true }) => () =>
      defineTenancy({ kind: 'user-uuid', schema: { t }, tables: { t: { ...tenant, ...more } } })
    if (taken) expect(define({})).not.toThrow()
    else refused(define({}), /unique over all tenants.*clientIds/)
    expect(define({ insert: false })).not.toThrow()
    expect(define({ clientIds: true })).not.toThrow()
  })

  it('that is global can not be written by a tenant', () => {
    const table = pgTable('t', { id: id(), ownerId: owner(), email: text('email').unique('t_email') })
    const declare = (insert: boolean | readonly 'ownerId'[], update: boolean) =>
      defineTenancy({
        kind: 'user-uuid',
        schema: { table },
        globalKeys: ['t_email'],
        tables: { table: { ...tenant, insert, update } },
      })
    refused(() => declare(true, false), /t\.email is unique over all tenants and writable/)
    refused(() => declare(['ownerId'], true), /t\.email is unique over all tenants and writable/)
    expect(() => declare(['ownerId'], false)).not.toThrow()
  })

  it('that is a global unique index can not be written by a tenant either', () => {
    const table = pgTable('t', { id: id(), ownerId: owner(), email: text('email') }, (t) => [
      uniqueIndex('t_email').on(t.email),
    ])
    refused(
      () =>
        defineTenancy({
          kind: 'user-uuid',
          schema: { table },
          globalKeys: ['t_email'],
          tables: { table: tenant },
        }),
      /t\.email is unique over all tenants and writable/,
    )
  })
})

describe('what a tenant may write', () => {
  const rows = pgTable('rows', {
    id: id(),
    ownerId: owner(),
    name: text('name'),
    createdAt: text('created_at'),
  })
  const privileges = (access: object) =>
    defineTenancy({ kind: 'user-uuid', schema: { rows }, tables: { rows: { ...tenant, ...access } } })
      .tables[0]?.privileges

  it('leaves out generated keys, managed columns, and in an update the tenant', () => {
    expect(privileges({})).toEqual({
      select: true,
      insert: ['owner_id', 'name'],
      update: ['name'],
      delete: true,
    })
  })

  it('includes the key where that is said', () => {
    expect(privileges({ clientIds: true })?.insert).toEqual(['id', 'owner_id', 'name'])
  })

  it.each([
    [{ update: ['ownerId'] }],
    [{ update: ['id'] }],
    [{ insert: ['id'] }],
    [{ insert: ['createdAt'] }],
  ])('never includes %j', (access) =>
    refused(() => privileges(access), /can't be granted to a tenant for writing/),
  )
})

describe('membership', () => {
  const members = pgTable(
    'members',
    {
      userId: uuid('user_id').notNull(),
      orgId: uuid('org_id').notNull(),
      active: boolean('active').notNull(),
    },
    (t) => [primaryKey({ columns: [t.userId, t.orgId] }), index('m').on(t.orgId)],
  )
  const tables = { members: { class: 'tenant', column: 'userId', of: 'user' } } as const

  it('must be told for organizations, and for nothing else', () => {
    refused(
      () => defineTenancy({ kind: 'organization', schema: { members }, tables }),
      /needs to know where membership/,
    )
    const membership = { table: members, user: members.userId, organization: members.orgId }
    refused(
      () =>
        defineTenancy({
          kind: 'user-uuid',
          schema: { members },
          membership,
          tables: { members: { class: 'tenant', column: 'userId' } },
        }),
      /has no membership/,
    )
  })

  it("lets rows be a user's own in organization systems only", () => {
    refused(
      () => defineTenancy({ kind: 'user-uuid', schema: { members }, tables }),
      /is for organization systems/,
    )
  })
})

describe('the policies', () => {
  const policiesOn = (system: { tenancy: typeof notes.tenancy }, table: string): readonly string[] =>
    tenancyObjects(system.tenancy)
      .filter((object) => object.kind === 'policy' && object.id.endsWith(` on public.${table}`))
      .map((object) => object.create.join(';'))

  const trusted = (table: string, service: string, definer: string) => [
    `create policy "${service}" on "public"."${table}"\nas permissive for all to "tenantry_service"\nusing (true)\nwith check (true)`,
    `create policy "${definer}" on "public"."${table}"\nas permissive for select to "tenantry_definer"\nusing (true)`,
  ]

  it('are one that restricts everything and one for each granted command', () => {
    const mine = '"user_id" = (select tenantry.current_user_uuid())'
    expect(policiesOn(notes, 'folders')).toEqual([
      `create policy "tenant_isolation" on "public"."folders"\nas restrictive for all to "tenantry_tenant"\nusing (${mine})\nwith check (${mine})`,
      `create policy "tenant_select" on "public"."folders"\nas permissive for select to "tenantry_tenant"\nusing (${mine})`,
      `create policy "tenant_insert" on "public"."folders"\nas permissive for insert to "tenantry_tenant"\nwith check (${mine})`,
      `create policy "tenant_update" on "public"."folders"\nas permissive for update to "tenantry_tenant"\nusing (${mine})\nwith check (${mine})`,
      `create policy "tenant_delete" on "public"."folders"\nas permissive for delete to "tenantry_tenant"\nusing (${mine})`,
      ...trusted('folders', 'tenant_service', 'tenant_definer'),
    ])
  })

  it('leave out commands that were not granted', () => {
    expect(policiesOn(notes, 'users').filter((text) => /for (insert|delete)/.test(text))).toEqual([])
  })

  it('let a global table be read, and an internal one not', () => {
    expect(policiesOn(notes, 'languages')).toEqual([
      ...trusted('languages', 'tenant_service', 'tenant_definer'),
      'create policy "tenant_select" on "public"."languages"\nas permissive for select to "tenantry_tenant"\nusing (true)',
    ])
    expect(policiesOn(notes, 'deliveries')).toEqual(trusted('deliveries', 'tenant_service', 'tenant_definer'))
  })

  it('follow the kind of tenancy, and the names that a host wants', () => {
    expect(policiesOn(clerk, 'files')[1]).toBe(
      'create policy "files_owner_select" on "public"."files"\nas permissive for select to "tenantry_tenant"\nusing ("user_id" = (select tenantry.current_user_text()))',
    )
    expect(policiesOn(teams, 'tasks')[0]).toContain(
      'using ("organization_id" = (select tenantry.current_organization()))',
    )
    expect(policiesOn(teams, 'memberships')[0]).toContain(
      'using ("user_id" = (select tenantry.current_user_uuid()))',
    )
  })
})
