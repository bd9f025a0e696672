/** Fields of this product's inputs, beside those of `@tenantry/repository/fields`. */
import { name, storable } from '@tenantry/repository/fields'
import { z } from 'zod'
import { EMBEDDING_DIMENSIONS } from './enums.ts'

/** What `numeric(3,2)` holds of a score: 0 to 1, in hundredths. Finer ones are rounded. */
export const score = z
  .number()
  .min(0)
  .max(1)
  .transform((value) => Math.round(value * 100) / 100)

/** A whole number that `integer` holds, from 0. */
export const count = z.int32().min(0)

/** Names of skills, sections and the like: no blanks, none twice. */
export const names = z
  .array(name(200))
  .max(500)
  .transform((values) => [...new Set(values)])

/** An embedding for cosine distance, which an all-zero vector doesn't have. */
export const embedding = z
  .array(z.number())
  .length(EMBEDDING_DIMENSIONS)
  .refine((values) => values.some((value) => value !== 0), 'must not be all zeros')

/** Any JSON object. */
export const jsonObject = z.record(z.string(), z.json())
export const storableObject = storable(jsonObject)
/** Any JSON value but null. */
export const storableContent = storable(z.json()).refine((value) => value !== null, 'must not be null')
