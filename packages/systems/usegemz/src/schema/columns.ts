/** What several tables share, and `@tenantry/core` has no column helper for. */
import { oneOf } from '@tenantry/core'
import { sql, type SQL } from 'drizzle-orm'
import { type PgColumn, text, varchar } from 'drizzle-orm/pg-core'
import { PLATFORMS, SEARCH_TYPES } from '../types/enums.ts'

/** Whose row it is, by the id that Clerk gave the person. */
export const userId = () => text('user_id').notNull()

export const platform = (length: number) => varchar('platform', { length, enum: PLATFORMS }).notNull()
export const searchType = () => varchar('search_type', { length: 20, enum: SEARCH_TYPES }).notNull()

export const isPlatform = (column: PgColumn): SQL => oneOf(column, PLATFORMS)
export const isSearchType = (column: PgColumn): SQL => oneOf(column, SEARCH_TYPES)

/** `column >= 0` */
export const notNegative = (column: PgColumn): SQL => sql`${column} >= 0`
