/** Fields of this product's inputs, beside those of `@tenantry/repository/fields`. */
import { z } from 'zod'
import { EMBEDDING_DIMENSIONS } from './enums.ts'

export const score = z.number().int().min(0).max(100)

/** An embedding for cosine distance, which an all-zero vector doesn't have. */
export const embedding = z
  .array(z.number())
  .length(EMBEDDING_DIMENSIONS)
  .refine((values) => values.some((value) => value !== 0), 'must not be all zeros')

/** Any JSON value. */
export const json = z.json()

/** Any JSON object, as a row holds it. */
export const jsonObject = z.record(z.string(), json)
