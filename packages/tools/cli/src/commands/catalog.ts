import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, relative, resolve } from 'node:path'
import { ConfigurationError } from '@tenantry/core'
import { dumpCatalog } from '@tenantry/ddl'
import { differences } from '../catalog-differences.ts'
import { type Command, DATABASE_OPTIONS, type Outcome, textOf } from '../command.ts'
import type { OperableSystem } from '../config.ts'
import { EXIT } from '../exit-code.ts'
import { needMigrations, withSystem } from '../systems.ts'
import { capped, count } from '../text.ts'

/** Beyond this nobody reads on: the file is then written anew and compared by Git. */
const DIFFERENCES_SHOWN_MAX = 40

export const catalog: Command = {
  summary: 'print what is in the migrated database; write it to a file, or compare it with one',
  argument: null,
  options: {
    write: { value: 'file', help: 'write it there' },
    check: { value: 'file', help: 'compare with that file; exit 1 if they differ' },
    ...DATABASE_OPTIONS,
  },
  run(input) {
    const write = textOf(input.given, 'write')
    const check = textOf(input.given, 'check')
    if (write !== undefined && check !== undefined) {
      throw new ConfigurationError('--write and --check exclude each other', {
        hint: 'Leave one of them out',
      })
    }
    const expected = check === undefined ? null : readCatalog(resolve(input.cwd, check))
    return withSystem(input, async ({ factory, system, driver }) => {
      const { name, migrations } = factory.definition
      needMigrations(factory)
      if (migrations !== null) {
        const { pending, problem } = await system.status()
        if (pending.length > 0 || problem !== null) return notMigrated(name, problem)
      }
      const dumped = await dumpCatalog(driver, { schemas: schemasOf(factory) })
      const text = `${JSON.stringify(dumped, null, 2)}\n`
      if (expected !== null) return compared(name, check ?? '', differences(expected, JSON.parse(text)))
      if (write === undefined) return { exitCode: EXIT.ok, lines: [text.trimEnd()], json: dumped }
      const file = resolve(input.cwd, write)
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, text)
      const lines = [`${name}: wrote ${relative(input.cwd, file)}`]
      return { exitCode: EXIT.ok, lines, json: { system: name, file } }
    })
  },
}

function readCatalog(file: string): unknown {
  if (!existsSync(file)) {
    throw new ConfigurationError(`There is no file ${file}`, {
      hint: 'Make it with tenantry catalog --write',
    })
  }
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch (cause) {
    throw new ConfigurationError(`${file} is no catalog`, {
      cause,
      hint: 'Make it with tenantry catalog --write',
    })
  }
}

function notMigrated(name: string, problem: string | null): Outcome {
  const reason = problem ?? 'the database lacks migrations; run tenantry migrate first'
  return { exitCode: EXIT.found, lines: [`${name}: ${reason}`], json: { system: name, problem: reason } }
}

function compared(name: string, file: string, found: readonly string[]): Outcome {
  return {
    exitCode: found.length === 0 ? EXIT.ok : EXIT.found,
    lines:
      found.length === 0
        ? [`${name}: the database is as ${file} says`]
        : [
            `${name}: ${count(found.length, 'difference')} from ${file} (- there, + in the database)`,
            ...capped(
              found.map((line) => `  ${line}`),
              DIFFERENCES_SHOWN_MAX,
            ),
            `If they are meant, write the file anew: tenantry catalog --write ${file}`,
          ],
    json: { system: name, differences: found },
  }
}

/** Those of its tables, and those that it makes. */
function schemasOf({ definition }: OperableSystem): readonly string[] {
  const made = definition.objects.flatMap(({ kind, id }) => {
    const name = kind === 'schema' ? /^schema (.+?)(?: for .*)?$/.exec(id)?.[1] : undefined
    return name === undefined ? [] : [name]
  })
  return [...new Set([...definition.tenancy.tables.map((table) => table.schema), ...made])].toSorted()
}
