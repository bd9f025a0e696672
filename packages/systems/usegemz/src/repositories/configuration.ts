import { NotFoundError } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { systemConfigurations as table } from '../schema/index.ts'
import { type ConfigurationValue, configurationValue } from '../types/configuration.ts'
import { type ConfigurationInput, configurationInput } from '../types/inputs.ts'

/** A setting with its value in its own type. */
export type ConfigurationEntry = ConfigurationValue &
  Pick<Row<typeof table>, 'category' | 'key' | 'description' | 'isHotReloadable' | 'updatedAt'>

/**
 * Settings of the whole product: written by the service role, read by it and by administrators. The standard
 * methods have values as text; the verbs have them in their type. A program reads them through
 * `watchConfiguration`, which keeps them fresh.
 */
export const configuration = defineRepository(table, {
  tenant: null,
  defaultSort: [{ category: 'asc' }, { key: 'asc' }],
  verbs: (repository, executor) => ({
    /**
     * Makes a setting, or gives it another value, and another type where that is meant. Description and hot
     * reload stay as they are where they are left out. Every process hears of it. Service role only.
     */
    async set(input: ConfigurationInput): Promise<ConfigurationEntry> {
      serviceOnly(executor, 'set')
      const { value, description, isHotReloadable, ...row } = parseInput(table, configurationInput, input)
      const columns = getTableColumns(table)
      const given = {
        ...row,
        value: row.valueType === 'json' ? JSON.stringify(value) : String(value),
        ...(description === undefined ? {} : { description }),
        ...(isHotReloadable === undefined ? {} : { isHotReloadable }),
      }
      const properties = Object.keys(given) as (keyof typeof given)[]
      const named = (property: keyof typeof given) => sql.identifier(columns[property].name)
      const [written] = await repository.statement(
        `set ${properties.join(', ')}`,
        ({ value: of }) => ({
          returns: columns,
          query: (returned) => sql`insert into ${table} (${sql.join(properties.map(named), sql`, `)})
            values (${sql.join(
              properties.map((property) => of(property, columns[property])),
              sql`, `,
            )})
            on conflict (category, key) do update set ${sql.join(
              properties.map((property) => sql`${named(property)} = excluded.${named(property)}`),
              sql`, `,
            )}
            returning ${returned}`,
        }),
        given,
      )
      if (written === undefined) throw missing()
      return entryOf(written)
    },

    /** One setting. Throws NotFoundError where there is none, or the caller may read none. */
    async read(category: string, key: string): Promise<ConfigurationEntry> {
      const row = await repository.find({ where: { category, key } })
      if (row === null) throw missing()
      return entryOf(row)
    },

    /** All settings, or those of one category, in the order of category and key. */
    async readAll(category?: string): Promise<ConfigurationEntry[]> {
      const entries: ConfigurationEntry[] = []
      for await (const row of repository.stream(category === undefined ? {} : { where: { category } })) {
        entries.push(entryOf(row))
      }
      return entries
    },
  }),
})

function entryOf({
  category,
  key,
  description,
  isHotReloadable,
  updatedAt,
  valueType,
  value,
}: Row<typeof table>): ConfigurationEntry {
  return {
    category,
    key,
    description,
    isHotReloadable,
    updatedAt,
    ...configurationValue(valueType, value),
  }
}

function missing(): NotFoundError {
  return new NotFoundError('There is no such setting', { table: getTableName(table) })
}
