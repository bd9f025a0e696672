/**
 * The fields that inputs are made of, for browsers too: only zod is imported. Each refuses what PostgreSQL would
 * refuse, but names the field.
 */
import { z } from 'zod'

/**
 * Longest text that a full-text index holds whatever it says: PostgreSQL caps a tsvector at 1 MB, and
 * 100,000 characters of four bytes each, with their positions, stay below it.
 */
export const TEXT_CHARACTERS_MAX = 100_000

/** Shared by all fields: making a schema takes longer than importing one. */
const storedText = z
  .string()
  .refine((value) => !/[\0\p{Surrogate}]/u.test(value), 'must not contain NUL or half a surrogate pair')

/** Text of at most `max` characters, counted as PostgreSQL counts them: an emoji is one. May be empty. */
export function text(max: number = TEXT_CHARACTERS_MAX) {
  return storedText.refine(
    (value) => value.length <= max || [...value].length <= max,
    `must have at most ${max} characters`,
  )
}

/** Text that says something. It is stored as it came, spaces included. */
export function filledText(max: number = TEXT_CHARACTERS_MAX) {
  return text(max).refine((value) => value.trim() !== '', 'must not be blank')
}

/** A short name: trimmed, never blank. */
export function name(max: number) {
  return z.string().trim().pipe(filledText(max))
}

/** An http(s) address; other schemes (`javascript:`, `data:`) never reach a page through us. */
export function webAddress(max: number = TEXT_CHARACTERS_MAX) {
  return text(max).refine(
    (value) => /^https?:\/\//i.test(value) && URL.canParse(value),
    'must be an http or https address',
  )
}

/** An instant: a Date, or ISO 8601 text with a zone. Comes out as a Date. */
export const instant = z
  .union([z.date(), z.iso.datetime({ offset: true })])
  .transform((value) => (typeof value === 'string' ? new Date(value) : value))

/** An instant as `JSON.stringify` writes a Date. */
export const instantJson = z.iso.datetime()

/** Any of PostgreSQL's uuids, whatever version its bits claim. */
export const id = z.guid()

/** JSON that jsonb can hold: it refuses the escapes of NUL and of half a surrogate pair. */
export function storable<T extends z.ZodType>(schema: T) {
  return schema.refine(
    (value) => !/(?<!\\)(?:\\\\)*\\u(?:0000|d[89a-f][0-9a-f]{2})/.test(JSON.stringify(value) ?? ''),
    'must not contain NUL or half a surrogate pair',
  )
}

/** A change of some of the fields: at least one, or there is nothing to do. */
export function changes<T extends z.ZodRawShape>(shape: T) {
  return z
    .strictObject(shape)
    .partial()
    .refine(
      (value) => Object.values(value).some((field) => field !== undefined),
      'must name at least one field',
    )
}
