import { ConfigurationError } from '@tenantry/core'
import { BREAKPOINT } from '../runner/migration.ts'

/** Literals, quoted names, dollar-quoted bodies and comments: what can't hold a bind parameter. */
const OPAQUE =
  /(\$[A-Za-z_]\w*\$|\$\$)[\s\S]*?\1|E'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\//gi

/**
 * Refuses what would fail, or mean something else, once it is in a file.
 *
 * @throws ConfigurationError for a bind parameter, which Drizzle makes of a value interpolated into a CHECK
 *   or an index; the message names the constraint.
 */
export function lintStatement(text: string): void {
  if (text.includes(BREAKPOINT)) {
    throw new ConfigurationError(`A statement contains "${BREAKPOINT}", which separates statements in a file`)
  }
  const bare = text.replaceAll(OPAQUE, (part) =>
    part.startsWith('"') ? '"' + '_'.repeat(part.length - 2) + '"' : ' '.repeat(part.length),
  )
  const parameter = /\$\d+/.exec(bare)
  if (parameter === null) return
  const before = text.slice(0, parameter.index)
  const named = [
    ...before.matchAll(/\b(CONSTRAINT|POLICY|INDEX|TABLE)\s+("(?:[^"]|"")+"(?:\."(?:[^"]|"")+")?)/gi),
  ]
  const place = named.at(-1)
  const table = /\b(?:TABLE|ON)\s+("(?:[^"]|"")+"(?:\."(?:[^"]|"")+")?)/i.exec(text)?.[1]
  const where = place === undefined ? firstLine(text) : `${place[1]?.toLowerCase()} ${place[2]}`
  throw new ConfigurationError(
    `A value became the parameter ${parameter[0]} in ${where}${table === undefined ? '' : ` of ${table}`}`,
    { hint: 'A migration has no parameters: write the value into the SQL text, or wrap it in sql.raw()' },
  )
}

function firstLine(text: string): string {
  return `"${text.trim().split('\n', 1)[0] ?? ''}"`
}
