import type { ConfigurationError, MigrationError } from '@tenantry/core'

/** What the shell is told. Part of the interface: scripts and CI depend on the numbers. */
export const EXIT = {
  /** Done, and nothing was found. */
  ok: 0,
  /** Something was found: a hole, a pending migration, a difference, files and history that don't agree. */
  found: 1,
  /** The command line or the configuration is wrong; nothing was run. */
  usage: 2,
  /** The database, or what was to be done in it, failed. */
  failed: 3,
} as const

export type ExitCode = (typeof EXIT)[keyof typeof EXIT]

export function exitCodeOf(error: unknown): ExitCode {
  // By its code: the configuration may have brought a second copy of the library.
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === ('TENANTRY_CONFIGURATION' satisfies ConfigurationError['code'])) return EXIT.usage
  // With a cause a statement failed; without, the files and the history don't agree.
  if (code === ('TENANTRY_MIGRATION' satisfies MigrationError['code'])) {
    return (error as Error).cause === undefined ? EXIT.found : EXIT.failed
  }
  return EXIT.failed
}
