import { type Command, SYSTEM_OPTION, textOf } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { loadConfig } from '../load-config.ts'
import { selectSystems } from '../systems.ts'
import { alignColumns } from '../text.ts'

export const jobs: Command = {
  summary: 'list what must be run now and then, with the recommended schedule (UTC)',
  argument: null,
  options: { system: SYSTEM_OPTION },
  async run({ given, cwd }) {
    const { config } = await loadConfig(textOf(given, 'config'), cwd)
    const systems = selectSystems(config, textOf(given, 'system'))
    return {
      exitCode: EXIT.ok,
      lines: systems.flatMap(({ definition }) => [
        `${definition.name}: ${definition.jobs.length === 0 ? 'no jobs' : 'run one now with tenantry run <job>'}`,
        ...alignColumns(definition.jobs.map((job) => [job.name, job.schedule, job.description])),
      ]),
      json: {
        systems: systems.map(({ definition }) => ({
          system: definition.name,
          jobs: definition.jobs.map(({ name, schedule, description, sql }) => ({
            name,
            schedule,
            description,
            sql: sql ?? null,
          })),
        })),
      },
    }
  },
}
