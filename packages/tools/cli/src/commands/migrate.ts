import { type Command, DATABASE_OPTIONS } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { needMigrations, withSystem } from '../systems.ts'
import { count } from '../text.ts'

export const migrate: Command = {
  summary: 'apply the migrations that the database lacks; safe to run by several processes at once',
  argument: null,
  options: DATABASE_OPTIONS,
  run: (input) =>
    withSystem(input, async ({ factory, system }) => {
      needMigrations(factory)
      const { name } = factory.definition
      const { applied } = await system.migrate()
      const lines =
        applied.length === 0
          ? [`${name}: nothing to apply here`]
          : [`${name}: applied ${count(applied.length, 'migration')}`, ...applied.map((file) => `  ${file}`)]
      return { exitCode: EXIT.ok, lines, json: { system: name, applied } }
    }),
}
