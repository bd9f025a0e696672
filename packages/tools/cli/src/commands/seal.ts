import { existsSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { ConfigurationError } from '@tenantry/core'
import { sealMigrations } from '@tenantry/ddl/generate'
import { type Command, SYSTEM_OPTION, textOf } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { loadConfig } from '../load-config.ts'
import { selectTargets } from '../targets.ts'

export const seal: Command = {
  summary: 'note the migrations as they are now: after one was edited in review, or written by hand',
  argument: null,
  options: { system: SYSTEM_OPTION },
  async run({ given, cwd }) {
    const { config, folder } = await loadConfig(textOf(given, 'config'), cwd)
    const sealed = selectTargets(config, textOf(given, 'system')).map(({ system, target }) => {
      const { name } = system.definition
      const directory = resolve(folder, target.directory)
      if (target.mode === 'objects' && target.format === 'drizzle-kit') {
        throw new ConfigurationError(`The migrations of ${name} are drizzle-kit's, which notes no hashes`, {
          hint: 'Nothing needs to be done after an edit',
        })
      }
      if (!existsSync(directory)) {
        throw new ConfigurationError(`${name} has no migrations yet: there is no folder ${directory}`, {
          hint: 'Write the first one with tenantry generate',
        })
      }
      sealMigrations(directory)
      return { system: name, directory }
    })
    return {
      exitCode: EXIT.ok,
      lines: sealed.map(({ system, directory }) => `${system}: noted ${relative(cwd, directory)} as it is`),
      json: { systems: sealed },
    }
  },
}
