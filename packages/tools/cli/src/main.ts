import { readFileSync } from 'node:fs'
import { ConfigurationError } from '@tenantry/core'
import { parseArguments } from './arguments.ts'
import type { Command, CommandInput } from './command.ts'
import { catalog } from './commands/catalog.ts'
import { generate } from './commands/generate.ts'
import { jobs } from './commands/jobs.ts'
import { migrate } from './commands/migrate.ts'
import { run } from './commands/run.ts'
import { seal } from './commands/seal.ts'
import { status } from './commands/status.ts'
import { verify } from './commands/verify.ts'
import { EXIT, type ExitCode, exitCodeOf } from './exit-code.ts'
import { describeFailure, failureJson } from './failure.ts'
import { commandHelp, generalHelp } from './help.ts'

const COMMANDS: Readonly<Record<string, Command>> = {
  generate,
  seal,
  migrate,
  status,
  verify,
  catalog,
  jobs,
  run,
}

export interface Streams {
  out(text: string): void
  err(text: string): void
}

/** Runs one command line and answers the exit code; never throws. */
export async function main(
  args: readonly string[],
  environment: Pick<CommandInput, 'cwd' | 'env'>,
  streams: Streams,
): Promise<ExitCode> {
  // Looked up before anything is parsed: a wrong option must not change how its error is shown.
  const json = args.includes('--json')
  try {
    const [name, ...rest] = args
    if (name === '--version') return print(streams, version())
    if (name === '--help' || name === 'help') return print(streams, generalHelp(COMMANDS))
    const command = findCommand(name)
    const { given, argument } = parseArguments(name ?? '', command, rest)
    if (given['help'] === true) return print(streams, commandHelp(name ?? '', command))
    const warn = (message: string) => streams.err(`tenantry: warning: ${message}\n`)
    const outcome = await command.run({ given, argument, warn, ...environment })
    print(streams, json ? JSON.stringify(outcome.json, null, 2) : outcome.lines.join('\n'))
    return outcome.exitCode
  } catch (error) {
    if (json) print(streams, JSON.stringify({ error: failureJson(error) }, null, 2))
    else streams.err(`tenantry: ${describeFailure(error, args.includes('--debug'))}\n`)
    return exitCodeOf(error)
  }
}

function findCommand(name: string | undefined): Command {
  const command = name !== undefined && Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (command !== undefined) return command
  const hint = `Commands: ${Object.keys(COMMANDS).join(', ')}. See tenantry --help`
  if (name === undefined) throw new ConfigurationError('No command was given', { hint })
  if (name.startsWith('-')) throw new ConfigurationError(`A command must come before ${name}`, { hint })
  throw new ConfigurationError(`There is no command ${name}`, { hint })
}

function print(streams: Streams, text: string): ExitCode {
  streams.out(`${text}\n`)
  return EXIT.ok
}

function version(): string {
  const manifest = readFileSync(new URL('../package.json', import.meta.url), 'utf8')
  return (JSON.parse(manifest) as { readonly version: string }).version
}
