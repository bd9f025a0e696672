import { mkdirSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'
import { ConfigurationError } from '@tenantry/core'
import { generateMigration, type GenerateOptions } from '@tenantry/ddl/generate'
import { type Command, type Outcome, textOf } from '../command.ts'
import type { GenerateTarget, OperableSystem } from '../config.ts'
import { EXIT } from '../exit-code.ts'
import { loadConfig } from '../load-config.ts'
import { type MigrationSummary, summarizeMigration } from '../migration-summary.ts'
import { selectTargets } from '../targets.ts'
import { capped, count } from '../text.ts'

/** Enough for any change that one person reviews; the first migration of a system has hundreds. */
const CHANGES_SHOWN_MAX = 40

interface Generated extends MigrationSummary {
  readonly system: string
  /** Absolute; null where nothing was written. */
  readonly file: string | null
  /** Whose the folder is: only our own notes what its files are like. */
  readonly format: 'tenantry' | 'drizzle-kit'
}

export const generate: Command = {
  summary: 'write what has changed in tables and objects as the next migration',
  argument: null,
  options: {
    title: { value: 'title', help: "what the migration is about; becomes part of the file's name" },
    system: { value: 'name', help: 'this system only; default: every one that `generate` names' },
    check: { value: null, help: 'write nothing; exit 1 if something would be written' },
    'by-hand': {
      value: null,
      help: 'write an empty migration to fill in, for what cannot be generated; then tenantry seal',
    },
  },
  async run({ given, cwd }) {
    const { config, folder } = await loadConfig(textOf(given, 'config'), cwd)
    const targets = selectTargets(config, textOf(given, 'system'))
    const dryRun = given['check'] === true
    const byHand = given['by-hand'] === true
    if (byHand && dryRun) {
      throw new ConfigurationError('--by-hand and --check exclude each other', {
        hint: 'Leave one of them out',
      })
    }
    if (byHand && targets.length > 1) {
      throw new ConfigurationError('--by-hand writes a migration of one system', {
        hint: `Say which by --system: ${targets.map(({ system }) => system.definition.name).join(', ')}`,
      })
    }
    const done: Generated[] = []
    for (const { system, target } of targets) {
      done.push(await generateFor(system, target, { folder, dryRun, byHand, title: textOf(given, 'title') }))
    }
    return outcome(done, dryRun, cwd)
  },
}

interface GenerateRun {
  readonly folder: string
  readonly dryRun: boolean
  readonly byHand: boolean
  readonly title: string | undefined
}

async function generateFor(
  { definition }: OperableSystem,
  target: GenerateTarget,
  { folder, dryRun, byHand, title }: GenerateRun,
): Promise<Generated> {
  const { name, objects, schema, moduleTables, casing } = definition
  const directory = resolve(folder, target.directory)
  const base = { name, objects, directory, dryRun, byHand, ...(title === undefined ? {} : { title }) }
  const options: GenerateOptions =
    target.mode === 'objects'
      ? {
          ...base,
          mode: 'objects',
          moduleTables,
          ...(target.format === undefined ? {} : { format: target.format }),
        }
      : { ...base, schema, ...(casing === undefined ? {} : { casing }) }
  if (!dryRun) mkdirSync(directory, { recursive: true })
  const { file, text } = await generateMigration(options)
  return {
    system: name,
    file: file === null ? null : join(directory, file),
    format: (target.mode === 'objects' ? target.format : undefined) ?? 'tenantry',
    ...summarizeMigration(text ?? ''),
  }
}

function outcome(done: readonly Generated[], dryRun: boolean, cwd: string): Outcome {
  const changed = done.filter(({ changes }) => changes.length > 0)
  return {
    exitCode: dryRun && changed.length > 0 ? EXIT.found : EXIT.ok,
    lines: done.flatMap((one) => describe(one, cwd)),
    json: { systems: done },
  }
}

function describe({ system, file, format, changes, review }: Generated, cwd: string): readonly string[] {
  const path = file === null ? null : relative(cwd, file)
  if (changes.length === 0) {
    return path === null
      ? [`${system}: nothing has changed`]
      : [`${system}: wrote ${path}, to be filled in; then run tenantry seal`]
  }
  return [
    path === null
      ? `${system}: a migration is missing (${count(changes.length, 'change')}); write it with tenantry generate`
      : `${system}: wrote ${path} (${count(changes.length, 'change')})`,
    ...capped(
      changes.map((change) => `  ${change}`),
      CHANGES_SHOWN_MAX,
    ),
    ...review.map(({ line, note, statement }) => `REVIEW ${path ?? ''}:${line} ${note}: ${statement}`),
    ...(path === null
      ? []
      : [
          `Read the file before you commit it. ${format === 'tenantry' ? 'After an edit run tenantry seal; once' : 'drizzle-kit migrate applies it. Once'} released, it must not change.`,
        ]),
  ]
}
