/** The one place where names and texts become SQL. */
import { ConfigurationError } from '@tenantry/core'

/** PostgreSQL cuts longer names silently (NAMEDATALEN - 1 bytes), and two cut names may collide. */
export const IDENTIFIER_BYTES_MAX = 63

/** Quotes a name. Refuses one that PostgreSQL would reject or cut. */
export function quoteIdentifier(name: string): string {
  if (name === '' || name.includes('\0')) {
    throw new ConfigurationError('An identifier is empty or contains a NUL character')
  }
  if (Buffer.byteLength(name) > IDENTIFIER_BYTES_MAX) {
    throw new ConfigurationError(`The identifier "${name}" is longer than ${IDENTIFIER_BYTES_MAX} bytes`, {
      hint: 'PostgreSQL would cut it; choose a shorter one',
    })
  }
  return `"${name.replaceAll('"', '""')}"`
}

/** Quotes a text as a literal that reads the same whatever `standard_conforming_strings` says. */
export function quoteLiteral(text: string): string {
  if (text.includes('\0')) throw new ConfigurationError('A text literal contains a NUL character')
  const quoted = `'${text.replaceAll("'", "''")}'`
  return text.includes('\\') ? `E${quoted.replaceAll('\\', '\\\\')}` : quoted
}

/** `"schema"."name"` */
export function qualify(schema: string, name: string): string {
  return `${quoteIdentifier(schema)}.${quoteIdentifier(name)}`
}

export function quoteIdentifiers(names: readonly string[]): string {
  return names.map(quoteIdentifier).join(', ')
}

/** Wraps a body in dollar quotes whose tag doesn't occur in it. */
export function dollarQuote(body: string, tag = 'body'): string {
  let unique = tag
  for (let n = 1; body.includes(`$${unique}$`); n += 1) unique = `${tag}_${n}`
  return `$${unique}$\n${body.trim()}\n$${unique}$`
}

/** A role as a grantee. `public` is the keyword, not a role of that name. */
export function quoteGrantee(role: string): string {
  return role === 'public' ? 'public' : quoteIdentifier(role)
}
