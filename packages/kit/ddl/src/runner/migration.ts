import { MigrationError } from '@tenantry/core'

/** One migration file, read and checked. */
export interface Migration {
  /** The number that its file name begins with, such as `0003`: the order. */
  readonly id: string
  /** The file name without `.sql`, such as `0003_voice_examples`. */
  readonly name: string
  /** SHA-256 of the text with LF line ends, in hex. */
  readonly hash: string
  readonly statements: readonly string[]
  /** False for a file that says `-- tenantry: no-transaction`. */
  readonly transactional: boolean
  /** Extensions that must be available: `-- tenantry: requires-extensions vector, btree_gin`. */
  readonly extensions: readonly string[]
}

export const BREAKPOINT = '--> statement-breakpoint'
export const NO_TRANSACTION = '-- tenantry: no-transaction'
export const REQUIRES_EXTENSIONS = '-- tenantry: requires-extensions'

const FILE_NAME = /^(\d{4,})_[A-Za-z0-9_-]+\.sql$/

/** Whether Git gave the file LF or CRLF must not matter. */
export function migrationHash(text: string): string {
  // Not imported: loading it takes a twentieth of a system's import, and only migrating needs it.
  const { createHash } = process.getBuiltinModule('node:crypto')
  return createHash('sha256').update(text.replaceAll('\r\n', '\n')).digest('hex')
}

/** Reads one file's text. Throws MigrationError when its name or a `-- tenantry:` line can't be understood. */
export function parseMigration(file: string, text: string): Migration {
  const id = FILE_NAME.exec(file)?.[1]
  if (id === undefined) {
    throw new MigrationError(`${file} is not named like a migration`, { hint: 'Name it like 0004_title.sql' })
  }
  const lines = text.replaceAll('\r\n', '\n').split('\n')
  const directives = lines.filter((line) => line.startsWith('-- tenantry:')).map((line) => line.trim())
  for (const line of directives) {
    if (line !== NO_TRANSACTION && !line.startsWith(`${REQUIRES_EXTENSIONS} `)) {
      throw new MigrationError(`${file} has a line that isn't understood: "${line}"`, {
        hint: `Known are "${NO_TRANSACTION}" and "${REQUIRES_EXTENSIONS} <names>"`,
      })
    }
  }
  return {
    id,
    name: file.slice(0, -'.sql'.length),
    hash: migrationHash(text),
    statements: lines
      .join('\n')
      .split(BREAKPOINT)
      .map((part) => part.trim())
      .filter(hasCode),
    transactional: !directives.includes(NO_TRANSACTION),
    extensions: directives
      .filter((line) => line.startsWith(REQUIRES_EXTENSIONS))
      .flatMap((line) => line.slice(REQUIRES_EXTENSIONS.length).split(','))
      .map((name) => name.trim())
      .filter((name) => name !== ''),
  }
}

function hasCode(part: string): boolean {
  return part.split('\n').some((line) => line.trim() !== '' && !line.trim().startsWith('--'))
}

/** Ids compare as numbers, so that 10000 follows 9999. */
export function compareIds(a: { readonly id: string }, b: { readonly id: string }): number {
  return Number(a.id) - Number(b.id)
}
