/** A key whose ON DELETE SET NULL clears only some of its columns, which Drizzle can't say. */
export interface SetNullForeignKey {
  readonly table: string
  readonly constraintName: string
  /** The columns that become null, as they are named in the database. */
  readonly columns: readonly [string, ...string[]]
}

/** Without the column list a deleted parent would clear `user_id` too, and fail on its NOT NULL. */
export const setNullForeignKeys: readonly SetNullForeignKey[] = [
  { table: 'voice_examples', constraintName: 'voice_examples_pillar_id_fkey', columns: ['pillar_id'] },
  {
    table: 'classified_topics',
    constraintName: 'classified_topics_raw_topic_id_fkey',
    columns: ['raw_topic_id'],
  },
]
