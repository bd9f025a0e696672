import { ConfigurationError } from '@tenantry/core'
import type { DeclaredObject } from '../declared.ts'

export interface StatementOptions {
  /** Unique and stable; such as `index pillars_name_trgm`. */
  readonly id: string
  /** `prelude` runs before the tables, `finale` after everything else. */
  readonly kind: 'prelude' | 'finale'
  readonly create: readonly [string, ...string[]]
  /** Undoes it. Empty when it goes with something else. */
  readonly drop: readonly string[]
}

export interface StatementObject extends DeclaredObject {
  readonly kind: 'prelude' | 'finale'
  readonly type: 'statement'
}

/** Anything that has no builder. A changed one is dropped and run anew. */
export function statement({ id, kind, create, drop }: StatementOptions): StatementObject {
  if (create.some((text) => text.trimEnd().endsWith(';'))) {
    throw new ConfigurationError(`Statement "${id}" ends with a semicolon`, {
      hint: 'Give each statement by itself, without one',
    })
  }
  return { kind, type: 'statement', id, create, drop, change: 'recreate' }
}
