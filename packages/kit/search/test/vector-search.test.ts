import { pgTable, uuid, vector } from 'drizzle-orm/pg-core'
import { describe, expect, test } from 'vitest'
import { defineVectorSearch } from '../src/index.ts'

const posts = pgTable('posts', {
  id: uuid('id').primaryKey(),
  userId: uuid('user_id').notNull(),
  embedding: vector('embedding', { dimensions: 3 }),
})
const search = { name: 'similar_posts', table: posts, id: posts.id, vector: posts.embedding }
const sqlOf = (module: ReturnType<typeof defineVectorSearch>['module']) =>
  module.objects.flatMap(({ create }) => create).join('\n')

describe('defineVectorSearch', () => {
  test('of a tenant’s rows filters by the tenant of the context, for the tenant role alone', () => {
    const { module, target } = defineVectorSearch({
      ...search,
      tenantColumn: posts.userId,
      tenant: 'tenantry.current_user_uuid()',
    })
    const text = sqlOf(module)
    expect(text).toContain('caller uuid := tenantry.current_user_uuid();')
    expect(text).toContain('if caller is null then return; end if;')
    expect(text).toContain('where source."user_id" = $1')
    expect(text).toMatch(/grant execute .* to "tenantry_tenant"$/m)
    expect(target.functionName).toBe('tenantry.similar_posts')
  })

  test('of rows that are everybody’s filters by nobody, for the service role too', () => {
    const text = sqlOf(defineVectorSearch(search).module)
    expect(text).not.toContain('caller')
    expect(text).not.toContain('user_id')
    expect(text).toMatch(/grant execute .* to "tenantry_tenant", "tenantry_service"$/m)
  })

  test('is refused with half of a tenant', () => {
    expect(() => defineVectorSearch({ ...search, tenantColumn: posts.userId })).toThrow('belong together')
    expect(() => defineVectorSearch({ ...search, tenant: 'x()' })).toThrow('belong together')
  })
})
