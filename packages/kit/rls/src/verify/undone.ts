import type { Connection } from '@tenantry/core'

/** Carries an answer out of a savepoint that is to be undone. */
class Undone<T> extends Error {
  readonly answer: T
  constructor(answer: T) {
    super('undone on purpose')
    this.answer = answer
  }
}

/** Runs a part of a transaction for its answer only: whatever it did to the database is rolled back. */
export async function undone<T>(
  connection: Connection,
  run: (connection: Connection) => Promise<T>,
): Promise<T> {
  try {
    return await connection.savepoint(async (part): Promise<T> => {
      throw new Undone(await run(part))
    })
  } catch (error) {
    if (error instanceof Undone) return error.answer as T
    throw error
  }
}
