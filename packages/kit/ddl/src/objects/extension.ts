import type { DeclaredObject } from '../declared.ts'
import { quoteIdentifier } from '../identifiers.ts'

export interface ExtensionOptions {
  readonly name: string
  /** An existing schema for it. Default: the first of the search path. */
  readonly schema?: string
}

export interface ExtensionObject extends DeclaredObject {
  readonly kind: 'extension'
  readonly type: 'extension'
  readonly name: string
}

/**
 * An extension that the system needs. An installed one is left as it is, in the schema where it is. The
 * runner asks for it before a migration starts. It is never dropped: others in the database may use it.
 */
export function extension({ name, schema }: ExtensionOptions): ExtensionObject {
  const into = schema === undefined ? '' : ` with schema ${quoteIdentifier(schema)}`
  return {
    kind: 'extension',
    type: 'extension',
    id: `extension ${name}`,
    name,
    create: [`create extension if not exists ${quoteIdentifier(name)}${into}`],
    drop: [],
    change: 'replace',
  }
}
