import type { Place } from './place.ts'

const originals = new WeakMap<object, string>()

/** Moves the one clock of limits in this database; null: it goes on by itself. */
export async function setClock({ rows, database }: Place, at: string | null): Promise<void> {
  const known = originals.get(database)
  if (at === null) {
    if (known !== undefined) await rows(known)
    originals.delete(database)
    return
  }
  if (known === undefined) {
    const [found] = await rows<{ text: string }>(
      `select pg_get_functiondef('tenantry.limit_clock'::regproc) as text`,
    )
    originals.set(database, found?.text ?? '')
  }
  await rows(
    `create or replace function tenantry.limit_clock() returns timestamptz language sql stable as $$ select timestamptz '${at}' $$`,
  )
}
