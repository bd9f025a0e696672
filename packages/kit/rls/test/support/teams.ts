/** A system whose tenant is an organization; users are members of any number of them. */
import { sql } from 'drizzle-orm'
import { boolean, foreignKey, index, pgTable, primaryKey, text, unique, uuid } from 'drizzle-orm/pg-core'
import { defineTenancy, tenancyObjects } from '../../src/index.ts'

export const organizations = pgTable('organizations', {
  id: uuid('id').primaryKey().defaultRandom(),
  name: text('name').notNull(),
})

export const memberships = pgTable(
  'memberships',
  {
    organizationId: uuid('organization_id')
      .notNull()
      .references(() => organizations.id, { onDelete: 'cascade' }),
    userId: uuid('user_id').notNull(),
    active: boolean('active').notNull().default(true),
  },
  (table) => [
    primaryKey({ columns: [table.userId, table.organizationId] }),
    index('memberships_organization').on(table.organizationId),
  ],
)

export const projects = pgTable(
  'projects',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    organizationId: uuid('organization_id').notNull(),
    name: text('name').notNull(),
  },
  (table) => [unique('projects_organization_id').on(table.organizationId, table.id)],
)

export const tasks = pgTable(
  'tasks',
  {
    id: uuid('id').primaryKey().defaultRandom(),
    organizationId: uuid('organization_id').notNull(),
    projectId: uuid('project_id').notNull(),
    title: text('title').notNull(),
  },
  (table) => [
    foreignKey({
      name: 'tasks_project_fkey',
      columns: [table.organizationId, table.projectId],
      foreignColumns: [projects.organizationId, projects.id],
    }),
    index('tasks_project').on(table.organizationId, table.projectId),
  ],
)

export const schema = { organizations, memberships, projects, tasks }

export const tenancy = defineTenancy({
  kind: 'organization',
  schema,
  membership: {
    table: memberships,
    user: memberships.userId,
    organization: memberships.organizationId,
    active: memberships.active,
  },
  tables: {
    organizations: { class: 'tenant', column: 'id', insert: false, delete: false },
    // Read before an organization has been chosen.
    memberships: {
      class: 'tenant',
      column: 'userId',
      of: 'user',
      insert: false,
      update: false,
      delete: false,
    },
    projects: { class: 'tenant', column: 'organizationId' },
    tasks: { class: 'tenant', column: 'organizationId' },
  },
})

export const objects = tenancyObjects(tenancy)

/** One row in every tenant table, with a member of the organization. */
export const seed = (organization: string, user: string) => sql`
  with organization as (
    insert into public.organizations (id, name) values (${organization}::uuid, 'org') returning id
  ),
  member as (
    insert into public.memberships (organization_id, user_id) select id, ${user}::uuid from organization
  ),
  project as (
    insert into public.projects (organization_id, name) select id, 'launch' from organization returning id, organization_id
  )
  insert into public.tasks (organization_id, project_id, title)
  select organization_id, id, 'task of ' || organization_id from project`
