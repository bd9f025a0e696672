/** Foreign keys as Drizzle adds them: their order, and what forced row security does to their check. */
import type { PlannedStatement } from './plan.ts'

const NAME = '"(?:[^"]|"")+"(?:\\."(?:[^"]|"")+")?'
const ADDS_FOREIGN_KEY = new RegExp(
  `^ALTER TABLE (${NAME}) ADD CONSTRAINT .+ FOREIGN KEY .+ REFERENCES (${NAME})`,
)

/** What they refer to may be made by a later statement. */
export function foreignKeysLast(statements: readonly string[]): readonly string[] {
  const isForeignKey = (text: string): boolean => ADDS_FOREIGN_KEY.test(text)
  return [...statements.filter((text) => !isForeignKey(text)), ...statements.filter(isForeignKey)]
}

/**
 * PostgreSQL checks the existing rows of a new foreign key as the table's owner. Where row security is forced
 * it would check only the rows that policies show, so force is lifted while keys are added.
 *
 * @param forced tables that have it before and after this migration, as `schema.name`
 */
export function seeingAllRows(
  statements: readonly PlannedStatement[],
  forced: ReadonlySet<string>,
): readonly PlannedStatement[] {
  const keys = statements.map(({ text }) => ADDS_FOREIGN_KEY.exec(text))
  const names = keys.flatMap((key) => [key?.[1] ?? '', key?.[2] ?? '']).filter((name) => name !== '')
  const tables = new Set(names.map(withSchema).filter((name) => forced.has(tableLabel(name))))
  if (tables.size === 0) return statements
  const first = keys.findIndex((key) => key !== null)
  const comment = 'The owner must see every row to check a foreign key'
  const set = (force: string): readonly PlannedStatement[] =>
    [...tables].map((table, index) => ({
      text: `alter table ${table} ${force} row level security`,
      comments: index === 0 && force !== 'force' ? [comment] : [],
    }))
  return [...statements.slice(0, first), ...set('no force'), ...statements.slice(first), ...set('force')]
}

function withSchema(name: string): string {
  return name.includes('"."') ? name : `"public".${name}`
}

/** `"schema"."name"` or `"name"` as `schema.name`. */
export function tableLabel(name: string): string {
  const parts = (name.match(/"(?:[^"]|"")+"/g) ?? []).map((part) => part.slice(1, -1))
  return parts.length === 1 ? `public.${parts[0]}` : parts.join('.')
}
