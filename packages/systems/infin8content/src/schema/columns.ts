/** What several tables share, and `@tenantry/core` has no column helper for. */
import { jsonb, numeric } from 'drizzle-orm/pg-core'
import type { Metadata } from '../types/metadata.ts'

/** `jsonb not null default '{}'`, an object whose keys are the host's. */
export const metadataColumn = (name = 'metadata') => jsonb(name).$type<Metadata>().notNull().default({})

/** `DECIMAL`, a number in JavaScript: scores, prices and similarities have few digits. */
export const decimal = (name: string) => numeric(name, { mode: 'number' })
