import { COMMON_OPTIONS, type Command, type OptionSpec } from './command.ts'
import { alignColumns } from './text.ts'

/** What `tenantry --help` prints. */
export function generalHelp(commands: Readonly<Record<string, Command>>): string {
  return [
    'Usage: tenantry <command> [options]',
    '',
    ...alignColumns(
      Object.entries(commands).map(([name, command]) => [usage(name, command), command.summary]),
    ),
    '',
    'tenantry <command> --help shows the options of a command.',
    'Exit codes: 0 done, nothing found; 1 something was found or is pending; 2 wrong usage or configuration;',
    '3 the database, or what was to be done in it, failed.',
  ].join('\n')
}

/** What `tenantry <command> --help` prints. */
export function commandHelp(name: string, command: Command): string {
  return [
    `Usage: tenantry ${usage(name, command)} [options]`,
    command.summary,
    '',
    ...alignColumns(Object.entries({ ...command.options, ...COMMON_OPTIONS }).map(optionRow)),
  ].join('\n')
}

function usage(name: string, command: Command): string {
  return command.argument === null ? name : `${name} <${command.argument}>`
}

function optionRow([name, { value, help }]: readonly [string, OptionSpec]): readonly string[] {
  return [value === null ? `--${name}` : `--${name} <${value}>`, help]
}
