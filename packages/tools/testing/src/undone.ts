import type { Answer, Connection } from '@tenantry/core'

class Undone<T> extends Error {
  readonly answer: T
  constructor(answer: T) {
    super('undone on purpose')
    this.answer = answer
  }
}

/** Runs a part of a transaction for its answer only: whatever it did to the database is rolled back. */
export async function undone<T>(connection: Connection, run: (part: Connection) => Promise<T>): Promise<T> {
  try {
    return await connection.savepoint(async (part): Promise<T> => {
      throw new Undone(await run(part))
    })
  } catch (error) {
    if (error instanceof Undone) return error.answer as T
    throw error
  }
}

/** What became of a statement: its answer, or the SQLSTATE with which it was refused. */
export type Outcome =
  | { readonly refused: false; readonly answer: Answer }
  | { readonly refused: true; readonly sqlState: string }

/** Runs a statement that may fail; a failure ends the savepoint that it is in, so put it in one. */
export async function outcome(run: Promise<Answer>): Promise<Outcome> {
  try {
    return { refused: false, answer: await run }
  } catch (error) {
    return { refused: true, sqlState: sqlStateOf(error) }
  }
}

export function sqlStateOf(error: unknown): string {
  let current: unknown = error
  while (current instanceof Error) {
    const code: unknown = Reflect.get(current, 'code')
    if (typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code)) return code
    current = current.cause
  }
  throw error
}
