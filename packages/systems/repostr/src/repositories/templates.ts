import { DatabaseError, NotFoundError } from '@tenantry/core'
import {
  defineRepository,
  parseInput,
  type Row,
  serviceOnly,
  type StatementParts,
} from '@tenantry/repository'
import { bindTenant } from '@tenantry/rls'
import { getTableColumns, getTableName, sql, type SQL } from 'drizzle-orm'
import { templates as table } from '../schema/index.ts'
import { SYSTEM_USER_ID } from '../types/enums.ts'
import {
  type CopyTemplateInput,
  copyTemplateInput,
  templateChanges,
  type TemplateInput,
  templateInput,
  type TemplateListInput,
  templateListInput,
} from '../types/inputs.ts'
import { newestFirst } from './order.ts'

type Template = Row<typeof table>

/**
 * Prompts. The standard methods are about a user's own; the templates of the system are read by `available` and
 * `pick`, copied, and written by the service role alone.
 */
export const templates = defineRepository(table, {
  tenant: 'userId',
  readOnly: ['isCustom'],
  schema: { create: templateInput, update: templateChanges },
  defaultSort: newestFirst,
  upsert: { on: ['name'], set: ['type', 'prompt'] },
  verbs: (repository, executor) => ({
    /** All templates that the user may choose from, by name: their own, then the system's. */
    async available(options: TemplateListInput = {}): Promise<Template[]> {
      const { type = null } = parseInput(table, templateListInput, options)
      return repository.statement(
        'available',
        (parts) => ({
          returns: getTableColumns(table),
          query: (columns) => sql`select ${columns} from ${readable(parts)}
            where (${parts.value('type', table.type)} is null or ${table.type} = ${parts.value('type', table.type)})
              and ${parts.gate}
            order by ${table.isCustom} desc, ${table.name}`,
        }),
        { type },
      )
    },

    /** A template of the user's or of the system. Throws NotFoundError for any other. */
    async pick(id: string): Promise<Template> {
      const [template] = await repository.statement(
        'pick',
        (parts) => ({
          returns: getTableColumns(table),
          query: (columns) => sql`select ${columns} from ${readable(parts)}
            where ${table.id} = ${parts.value('id', table.id)} and ${parts.gate}`,
        }),
        { id },
      )
      if (template === undefined) throw missing()
      return template
    },

    /**
     * Copies a template of the system, or of the user's, into one of the user's own that can be changed. Throws
     * NotFoundError for any other, UniqueViolationError when the user has a template of that name.
     */
    async copy(id: string, input: CopyTemplateInput = {}): Promise<Template> {
      const { name = null } = parseInput(table, copyTemplateInput, input)
      const [copy] = await repository.statement(
        'copy',
        (parts) => ({
          returns: getTableColumns(table),
          query: (columns) => sql`insert into ${table} (user_id, name, type, prompt)
            select ${parts.tenant}, coalesce(${parts.value('name', table.name)}, original.name), original.type, original.prompt
            from (select * from ${readable(parts)}) as original
            where original.id = ${parts.value('id', table.id)} and ${parts.gate}
            returning ${columns}`,
        }),
        { id, name },
      )
      if (copy === undefined) throw missing()
      return copy
    },

    /** Makes a template of the system, or changes the one of that name. Service role only. */
    async provide(input: TemplateInput): Promise<Template> {
      serviceOnly(executor, 'provide')
      const [template] = await templates.bind(bindTenant(executor, SYSTEM_USER_ID)).statement(
        'provide',
        ({ tenant, value }) => ({
          returns: getTableColumns(table),
          query: (columns) => sql`insert into ${table} (user_id, name, type, prompt, is_custom)
            values (${tenant}, ${value('name', table.name)}, ${value('type', table.type)}, ${value('prompt', table.prompt)}, false)
            on conflict (user_id, name) do update set type = excluded.type, prompt = excluded.prompt
              where ${table.userId} = ${tenant}
            returning ${columns}`,
        }),
        parseInput(table, templateInput, input),
      )
      if (template === undefined)
        throw new DatabaseError('The template was not written', { table: getTableName(table) })
      return template
    },
  }),
})

/** The user's templates and the system's, under the table's own name. */
function readable({ tenant }: Pick<StatementParts, 'tenant'>): SQL {
  return sql`(
    select * from ${table} where ${table.userId} = ${tenant}
    union all
    select * from ${table} where ${table.userId} = ${sql.raw(`'${SYSTEM_USER_ID}'`)}
  ) as ${sql.identifier(getTableName(table))}`
}

function missing(): NotFoundError {
  return new NotFoundError('There is no such template', { table: getTableName(table) })
}
