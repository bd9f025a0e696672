import { ConfigurationError } from '@tenantry/core'

/** First words of the statements that end a transaction. */
const ENDS: ReadonlySet<string> = new Set(['commit', 'end', 'rollback', 'abort', 'prepare'])

/**
 * Refuses a statement that would end the transaction of its scope. Context and tenant role end with it: what
 * followed a COMMIT of the host's own would run as the login, and on a privileged one see every tenant. Refuses
 * COPY too, which leaves the connection waiting for a stream that nobody opens.
 *
 * @throws ConfigurationError
 */
export function refuseUnfit(text: string): void {
  const word = firstWord(text)
  if (word === 'copy') {
    throw new ConfigurationError(
      "A scope's statement may not be COPY: its rows have no way through the client",
      {
        hint: 'Read with stream(), write with createMany()',
      },
    )
  }
  if (!ENDS.has(word)) return
  throw new ConfigurationError(`A scope's statement may not be ${word.toUpperCase()}`, {
    hint: 'Leave COMMIT and ROLLBACK to transaction(), which commits when its callback resolves',
  })
}

/** The first word, in lower case, after whatever PostgreSQL reads over: blanks, `;` and comments. */
function firstWord(text: string): string {
  let at = skip(/[\s;]*/y, text, 0)
  for (let start = -1; start !== at; at = skip(/[\s;]*/y, text, at)) {
    start = at
    if (text.startsWith('--', at)) at = skip(/[^\r\n]*/y, text, at)
    else if (text.startsWith('/*', at)) at = afterComment(text, at)
  }
  return text.slice(at, skip(/[a-z]*/iy, text, at)).toLowerCase()
}

/** Where what `pattern` matches at a position ends; it matches the empty text too. */
function skip(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at
  pattern.exec(text)
  return pattern.lastIndex
}

/** Where a comment ends that may hold others. */
function afterComment(text: string, start: number): number {
  const bounds = /\/\*|\*\//g
  bounds.lastIndex = start
  let depth = 0
  for (let bound = bounds.exec(text); bound !== null; bound = bounds.exec(text)) {
    depth += bound[0] === '/*' ? 1 : -1
    if (depth === 0) return bounds.lastIndex
  }
  return text.length
}
