/** Keeps personal data out of analytics. */
import type { Json } from './json.ts'

/** Keys whose values never enter an event. */
export const PII_FIELDS = [
  'email',
  'phone',
  'fullName',
  'name',
  'address',
  'location',
  'personalInfo',
  'userData',
  'userEmail',
  'userName',
] as const

export const PII_CLASSIFICATION = {
  /** Tell who it is: removed. */
  direct: ['email', 'phone', 'fullName', 'socialSecurityNumber'],
  /** Tell it together with others: replaced by a keyed hash. */
  quasi: ['location', 'birthDate', 'ipAddress', 'deviceId'],
  /** What a person wrote or wants: removed. */
  sensitive: ['resume_content', 'cover_letter_content', 'salary_expectations'],
} as const

/**
 * Hashes a quasi-identifier: the same value of the same field gives the same text, and without the key nobody
 * finds the value by trying. `quasiIdentifierHash(key)` of the package's main entry makes one.
 */
export type QuasiIdentifierHash = (field: string, value: Json) => string

/** `user_email`, `User-Email` and `userEmail` are the same key. */
const normal = (key: string): string => key.toLowerCase().replaceAll(/[^\p{L}\p{N}]/gu, '')

const QUASI = new Map(PII_CLASSIFICATION.quasi.map((field) => [normal(field), field]))
const REMOVED = new Set(
  [
    ...PII_FIELDS,
    ...PII_CLASSIFICATION.direct,
    ...PII_CLASSIFICATION.sensitive,
    // What the documented export asks for by these names.
    'userId',
  ]
    .map(normal)
    .filter((key) => !QUASI.has(key)),
)

/** 64 characters are the most before the `@`; without that bound a long text would take its length squared. */
const EMAIL = /[^\s@<>"'(),;:]{1,64}@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu

/** Every part of a flattened key counts: `user.email`, `contacts[0].email`, `user/email`. */
const parts = (key: string): readonly string[] => [key, ...key.split(/[.[\]/:]+/u)].map(normal)

/**
 * Properties of an event without personal data, at any depth, in arrays too, whatever the case and style of
 * the keys. Values under the keys of PII_FIELDS and of the classes direct and sensitive are removed; those of
 * the class quasi are hashed by `hash`, or removed where none is given; e-mail addresses in the midst of other
 * texts are replaced by `[removed]`. The input isn't changed.
 */
export function sanitizeAnalyticsProperties(
  properties: Readonly<Record<string, Json>>,
  hash?: QuasiIdentifierHash,
): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(properties).flatMap(([key, value]): [string, Json][] => {
      const keys = parts(key)
      if (keys.some((each) => REMOVED.has(each))) return []
      const field = keys.map((each) => QUASI.get(each)).find((each) => each !== undefined)
      if (field === undefined) return [[key, sanitizeValue(value, hash)]]
      return hash === undefined || value === null ? [] : [[key, hash(field, value)]]
    }),
  )
}

function sanitizeValue(value: Json, hash: QuasiIdentifierHash | undefined): Json {
  if (typeof value === 'string') return value.replaceAll(EMAIL, '[removed]')
  if (Array.isArray(value)) return value.map((each: Json) => sanitizeValue(each, hash))
  if (typeof value === 'object' && value !== null) return sanitizeAnalyticsProperties(value, hash)
  return value
}
