/** A key whose ON DELETE SET NULL clears only some of its columns, which Drizzle can't say. */
export interface SetNullForeignKey {
  readonly table: string
  readonly constraintName: string
  /** The columns that become null, as they are named in the database. */
  readonly columns: readonly [string, ...string[]]
}

/** Without the column list a deleted resume would clear `user_id` too, and fail on its NOT NULL. */
export const setNullForeignKeys: readonly SetNullForeignKey[] = [
  { table: 'exports', constraintName: 'exports_resume_id_fkey', columns: ['resume_id'] },
  { table: 'cover_letters', constraintName: 'cover_letters_resume_id_fkey', columns: ['resume_id'] },
]
