import { getTableName } from 'drizzle-orm'
import type { PgTable } from 'drizzle-orm/pg-core'
import type { z } from 'zod'
import { refusedByZod } from './invalid.ts'

/** For what is declared once, when a module is imported: zod would compile a parser, which takes longer than to parse. */
export const DECLARED_ONCE = { jitless: true } as const

/** What a verb works with. Throws ValidationError, with each field named, before anything runs. */
export function parseInput<T extends z.ZodType>(table: PgTable, schema: T, input: z.input<T>): z.output<T> {
  const result = schema.safeParse(input)
  if (!result.success) throw refusedByZod(getTableName(table), result.error)
  return result.data
}
