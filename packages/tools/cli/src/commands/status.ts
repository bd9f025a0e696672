import { type Command, DATABASE_OPTIONS } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { needMigrations, withSystem } from '../systems.ts'
import { alignColumns } from '../text.ts'

export const status: Command = {
  summary: 'compare migrations and database; exit 1 if one is pending or they disagree',
  argument: null,
  options: DATABASE_OPTIONS,
  run: (input) =>
    withSystem(input, async ({ factory, system }) => {
      needMigrations(factory)
      const { name } = factory.definition
      const { applied, pending, problem } = await system.status()
      const rows = [
        ...applied.map((migration) => [migration.name, `applied ${migration.finishedAt ?? 'in part'}`]),
        ...pending
          .filter((file) => !applied.some((migration) => migration.name === file))
          .map((file) => [file, 'pending']),
      ]
      const settled = pending.length === 0 && problem === null
      return {
        exitCode: settled ? EXIT.ok : EXIT.found,
        lines: [
          `${name}: ${settled ? 'up to date' : (problem ?? `${pending.length} pending; apply with tenantry migrate`)}`,
          ...alignColumns(rows),
        ],
        json: { system: name, applied, pending, problem },
      }
    }),
}
