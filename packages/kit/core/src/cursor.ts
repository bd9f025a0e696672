/**
 * Keyset cursors: the position after a row in a sorted list, as an opaque text for URLs.
 *
 * A cursor says which query it belongs to and carries a checksum, so one that was cut, altered or taken
 * to another query is refused instead of quietly giving wrong pages. That is evidence of tampering, not
 * secrecy: whoever holds a cursor can read the sort values in it, and could make one. Isolation never
 * rests on cursors; each page names its tenant and passes row-level security like any other query.
 */
import { CursorError } from './errors.ts'

/** The layout of the text. A cursor of another layout is refused; it lives no longer than a browsing session. */
const VERSION = 1

/** Far above any list of sort keys worth indexing (a B-tree entry is at most 2.7 kB), far below harm. */
const LENGTH_MAX = 16_384

const START_AGAIN = 'Start again from the first page'

/** One value per sort column, in the server's own text, so that microseconds and digits stay exact. */
export type CursorValues = readonly (string | null)[]

export interface CursorPosition {
  /** What the list is: table, tenant, filter and sort, by whatever text tells one query from another. */
  readonly query: string
  readonly values: CursorValues
}

/** The cursor's text: base64url, safe in a URL. */
export function encodeCursor({ query, values }: CursorPosition): string {
  const body = JSON.stringify([VERSION, fingerprint(query), values])
  return toBase64Url(`${fingerprint(body)}${body}`)
}

/**
 * The values of a cursor that `encodeCursor` made for the same query.
 * Throws CursorError when the text is anything else.
 */
export function decodeCursor(text: string, query: string): CursorValues {
  if (typeof text !== 'string' || text.length === 0 || text.length > LENGTH_MAX) throw unreadable()
  const plain = fromBase64Url(text)
  const body = plain.slice(FINGERPRINT_LENGTH)
  if (plain.slice(0, FINGERPRINT_LENGTH) !== fingerprint(body)) throw unreadable()
  const [version, owner, values] = parse(body)
  if (version !== VERSION) throw new CursorError('The cursor is of another version', { hint: START_AGAIN })
  if (owner !== fingerprint(query)) {
    throw new CursorError('The cursor belongs to another query', {
      hint: 'Use it with the filter, sort and tenant that it was made for, or start again from the first page',
    })
  }
  if (!Array.isArray(values) || !values.every((value) => value === null || typeof value === 'string')) {
    throw unreadable()
  }
  return values
}

function unreadable(cause?: unknown): CursorError {
  return new CursorError('The cursor was altered or cut', { hint: START_AGAIN, cause })
}

function parse(body: string): readonly unknown[] {
  try {
    const content: unknown = JSON.parse(body)
    if (Array.isArray(content)) return content
  } catch (cause) {
    throw unreadable(cause)
  }
  throw unreadable()
}

function toBase64Url(text: string): string {
  const bytes = new TextEncoder().encode(text)
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('')
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

function fromBase64Url(text: string): string {
  // atob ignores white space and accepts padding: only the one spelling that encodeCursor writes is a cursor.
  if (!/^[\w-]+$/.test(text)) throw unreadable()
  try {
    const binary = atob(text.replaceAll('-', '+').replaceAll('_', '/'))
    const plain = new TextDecoder('utf-8', { fatal: true }).decode(
      Uint8Array.from(binary, (character) => character.charCodeAt(0)),
    )
    // The last character may hold unused bits; a change of those alone must not pass either.
    if (toBase64Url(plain) !== text) throw unreadable()
    return plain
  } catch (cause) {
    throw cause instanceof CursorError ? cause : unreadable(cause)
  }
}

const FINGERPRINT_LENGTH = 14

/**
 * 64 bits of FNV-1a (two 32-bit lanes with different offsets, each closed by MurmurHash3's finalizer) in
 * base 36. Against accidents and casual edits, not against an adversary: see above.
 */
function fingerprint(text: string): string {
  let low = 0x811c9dc5
  let high = 0x9e3779b9
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index)
    low = Math.imul(low ^ unit, 0x01000193)
    high = Math.imul(high ^ unit, 0x01000193) + index
  }
  return [low, high]
    .map((lane) =>
      finalize(lane)
        .toString(36)
        .padStart(FINGERPRINT_LENGTH / 2, '0'),
    )
    .join('')
}

function finalize(lane: number): number {
  let mixed = Math.imul(lane ^ (lane >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
