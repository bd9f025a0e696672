import { NotFoundError } from '@tenantry/core'
import { defineRepository, parseInput, type Row } from '@tenantry/repository'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { resumes as table } from '../schema/index.ts'
import { resumeChanges, resumeInput } from '../types/inputs.ts'

/** Resumes, by the documented shape of their data. `remove` keeps a resume, and `restore` brings it back. */
export const resumes = defineRepository(table, {
  tenant: 'userId',
  softDelete: 'deletedAt',
  schema: { create: resumeInput, update: resumeChanges },
  defaultSort: [{ updatedAt: 'desc' }],
  verbs: (repository) => ({
    /** A copy under another title ("… (copy)" unless given), to be changed by itself. Throws NotFoundError. */
    async duplicate(id: string, options: { readonly title?: string } = {}): Promise<Row<typeof table>> {
      const { title } = parseInput(table, resumeInput.pick({ title: true }), options)
      const [copy] = await repository.statement(
        'duplicate',
        ({ tenant, gate, value }) => ({
          returns: getTableColumns(table),
          query: (columns) => sql`insert into ${table} (user_id, title, data, template)
            select ${tenant}, coalesce(${value('title', table.title)}, source.title || ' (copy)'), source.data, source.template
            from ${table} as source
            where source.id = ${value('id', table.id)} and source.user_id = ${tenant} and source.deleted_at is null
              and ${gate}
            returning ${columns}`,
        }),
        { id, title: title ?? null },
      )
      if (copy === undefined)
        throw new NotFoundError('There is no such resume', { table: getTableName(table) })
      return copy
    },
  }),
})
