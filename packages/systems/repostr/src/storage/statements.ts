/** What housekeeping asks the database, as the service role; each statement names its users. */
import type { Executor } from '@tenantry/core'

export interface FileRow {
  readonly id: string
  readonly userId: string
}

const rowsOf = async (executor: Executor, text: string, ...params: readonly unknown[]) =>
  (await executor.run({ text, params, gated: false })).rows

/** The database's time. */
export async function now(executor: Executor): Promise<Date> {
  const [row] = await rowsOf(
    executor,
    `select to_char(now() at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`,
  )
  return new Date(String(row?.[0]))
}

/** Those of the keys that no file has as its path. */
export async function unknownKeys<K extends { readonly key: string; readonly userId: string }>(
  executor: Executor,
  keys: readonly K[],
): Promise<readonly K[]> {
  if (keys.length === 0) return []
  const rows = await rowsOf(
    executor,
    `select given.key from unnest($1::text[], $2::text[]) as given (user_id, key)
     where not exists (
       select from public.files where files.user_id = given.user_id and files.path = given.key
     )`,
    keys.map(({ userId }) => userId),
    keys.map(({ key }) => key),
  )
  const unknown = new Set(rows.map(([key]) => key))
  return keys.filter(({ key }) => unknown.has(key))
}

/** Users who have a file that was registered before a moment. */
export async function* usersWithFiles(executor: Executor, before: Date): AsyncGenerator<string> {
  let last = ''
  for (;;) {
    const rows = await rowsOf(
      executor,
      `select distinct user_id from public.files where user_id > $1 and created_at < $2 order by 1 limit 100`,
      last,
      before,
    )
    for (const [userId] of rows) yield (last = String(userId))
    if (rows.length === 0) return
  }
}

/** A user's files from before a moment, and those of them whose path isn't among the keys. */
export async function missingRows(
  executor: Executor,
  userId: string,
  before: Date,
  keys: ReadonlySet<string>,
): Promise<{ readonly rows: readonly FileRow[]; readonly total: number }> {
  const found = await rowsOf(
    executor,
    'select id, path from public.files where user_id = $1 and created_at < $2',
    userId,
    before,
  )
  const missing = found.filter(([, path]) => !keys.has(String(path)))
  return { rows: missing.map(([id]) => ({ id: String(id), userId })), total: found.length }
}

/** How many were removed. */
export async function removeRows(
  executor: Executor,
  userId: string,
  rows: readonly FileRow[],
): Promise<number> {
  if (rows.length === 0) return 0
  const removed = await rowsOf(
    executor,
    'delete from public.files where user_id = $1 and id = any ($2::uuid[]) returning id',
    userId,
    rows.map(({ id }) => id),
  )
  return removed.length
}
