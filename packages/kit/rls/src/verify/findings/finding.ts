import type { Finding } from '@tenantry/core'

/** For departures that the declared statements undo. */
export function restore(...statements: readonly string[]): string {
  return `Find out who changed it, then run as the owner of the tables: ${statements.map((text) => text.replaceAll(/\s*\n\s*/g, ' ')).join('; ')}`
}

export function finding(code: string, object: string, message: string, remedy: string): Finding {
  return { code, object, message, remedy }
}
