/** A scope's calls run with its context, all of them, and with no other. */
import {
  ConfigurationError,
  ConnectionError,
  ForeignKeyError,
  IsolationError,
  UniqueViolationError,
} from '@tenantry/core'
import { sql } from 'drizzle-orm'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { TestDatabase } from '@tenantry/testing'
import { bindTenant, serviceExecutor, tenantExecutor } from '../src/index.ts'
import * as notes from './support/notes.ts'
import { run, values } from './support/raw.ts'
import { ALICE, asOwner, BOB, createSystem } from './support/setup.ts'

let test: TestDatabase
const as = (userId: string) => tenantExecutor(test.database, notes.tenancy, { userId })
const titles = sql`select title from notes order by title`
const insert = (title: string) => sql`insert into notes (user_id, title) values (${ALICE}, ${title})`

beforeAll(async () => {
  test = await createSystem('notes', notes)
})
afterAll(() => test.close())
beforeEach(() =>
  asOwner(
    test.database,
    sql`delete from events`,
    sql`delete from notes`,
    sql`delete from users`,
    notes.seed(ALICE),
    notes.seed(BOB),
  ),
)

const OWN = [`note of ${ALICE}`]

describe('a transaction', () => {
  it('keeps its context in nested ones, whether they succeed or fail', async () => {
    await as(ALICE).transaction(async (outer) => {
      expect(await values(outer, titles)).toEqual(OWN)
      await outer.transaction(async (inner) => {
        expect(await values(inner, titles)).toEqual(OWN)
        await inner.transaction(async (innermost) => expect(await values(innermost, titles)).toEqual(OWN))
      })
      await expect(
        outer.transaction(async (inner) => {
          await run(inner, insert('lost'))
          await run(inner, insert('lost'))
        }),
      ).rejects.toBeInstanceOf(UniqueViolationError)
      expect(await values(outer, titles)).toEqual(OWN)
    })
    expect(await values(as(ALICE), titles)).toEqual(OWN)
  })

  it('is not committed if its context was changed under way', async () => {
    await expect(
      as(ALICE).transaction(async (inner) => {
        await run(inner, insert('unwanted'))
        await run(inner, sql`select set_config('app.current_user_id', ${BOB}, true)`)
      }),
    ).rejects.toBeInstanceOf(ConnectionError)
    expect(await values(as(ALICE), titles)).toEqual(OWN)
  })

  it('shows the first error of those that follow from it', async () => {
    await expect(
      as(ALICE).transaction(async (inner) => {
        await run(inner, insert(OWN[0] ?? '')).catch(() => {})
        await run(inner, titles)
      }),
    ).rejects.toBeInstanceOf(UniqueViolationError)
  })

  it("can't be used after it ended", async () => {
    let kept = as(ALICE)
    let keptInner = as(ALICE)
    await as(ALICE).transaction(async (inner) => {
      kept = inner
      await inner.transaction(async (nested) => {
        keptInner = nested
      })
    })
    for (const executor of [kept, keptInner]) {
      await expect(run(executor, titles)).rejects.toThrow(/after its transaction had ended/)
      await expect(executor.transaction(async () => {})).rejects.toBeInstanceOf(ConfigurationError)
    }
  })

  it.each([
    'commit',
    'COMMIT AND CHAIN',
    ' ;\n-- then\n /* or /* not */ */ rollback',
    'end',
    'abort',
    "prepare transaction 'x'",
  ])('is not ended by a statement of its own: %j', async (text) => {
    const ending = sql.raw(text)
    await expect(run(as(ALICE), ending)).rejects.toThrow(/may not be/)
    await expect(run(serviceExecutor(test.database), ending)).rejects.toThrow(/may not be/)
    await as(ALICE).transaction(async (inner) => {
      await expect(run(inner, ending)).rejects.toThrow(/may not be/)
      expect(await values(inner, titles)).toEqual(OWN)
    })
  })

  it('is not committed if it leaves a temporary table behind for whom the connection serves next', async () => {
    const leave = sql`create temporary table notes as select * from public.notes`
    await expect(run(as(ALICE), leave)).rejects.toBeInstanceOf(ConnectionError)
    await expect(as(ALICE).transaction((inner) => run(inner, leave))).rejects.toBeInstanceOf(ConnectionError)
    // As many as the pool has connections, so that each is asked.
    const seen = await Promise.all(Array.from({ length: 25 }, () => values(as(BOB), titles)))
    expect(new Set(seen.flat())).toEqual(new Set([`note of ${BOB}`]))
  })

  it('has no COPY, which would leave its connection waiting', async () => {
    await expect(run(as(ALICE), sql`copy notes to stdout`)).rejects.toBeInstanceOf(ConfigurationError)
    expect(await values(as(ALICE), titles)).toEqual(OWN)
  })

  it('takes statements that only look as if they ended it', async () => {
    expect(await values(as(ALICE), sql`select 'commit' as "end" -- rollback`)).toEqual(['commit'])
    expect(await values(as(ALICE), sql`/* commit; */ select 1`)).toEqual([1])
  })

  it('keeps what one of several nested ones did, whichever of the others fails', async () => {
    const settled = await as(ALICE).transaction((outer) =>
      Promise.allSettled([
        outer.transaction(async (inner) => {
          await run(inner, insert('first'))
          await values(inner, sql`select pg_sleep(0.05)`)
          throw new Error('the first fails')
        }),
        outer.transaction((inner) => run(inner, insert('second'))),
        run(outer, insert('beside them')),
        outer.transaction(async (inner) => {
          await run(inner, insert('third'))
          await outer.transaction(() => run(outer, insert('by the outer handle')))
        }),
      ]),
    )
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'fulfilled', 'fulfilled'])
    expect(await values(as(ALICE), titles)).toEqual([
      'beside them',
      'by the outer handle',
      ...OWN,
      'second',
      'third',
    ])
  })

  it('is over for what it left behind, such as a timer', async () => {
    let ended = (): void => {}
    const end = new Promise<void>((resolve) => {
      ended = resolve
    })
    let later: Promise<readonly unknown[]> | undefined
    await as(ALICE).transaction(async () => {
      later = end.then(() => values(as(ALICE), titles))
    })
    ended()
    expect(await later).toEqual(OWN)
  })

  it('refuses statements that would run beside it, of its own principal and of others', async () => {
    await as(ALICE).transaction(async (inner) => {
      for (const beside of [as(ALICE), as(BOB), serviceExecutor(test.database)]) {
        await expect(run(beside, titles)).rejects.toThrow(/outside the transaction that is open here/)
        await expect(beside.transaction(async () => {})).rejects.toBeInstanceOf(ConfigurationError)
      }
      expect(await values(inner, titles)).toEqual(OWN)
    })
    expect(await values(as(ALICE), titles)).toEqual(OWN)
  })

  it('leaves other transactions of the same process alone', async () => {
    const read = (userId: string) => as(userId).transaction((inner) => values(inner, titles))
    expect(await Promise.all([read(ALICE), read(BOB)])).toEqual([OWN, [`note of ${BOB}`]])
  })

  it('is read only, or of another isolation level, where that is wanted', async () => {
    await expect(
      as(ALICE).transaction((inner) => run(inner, insert('x')), { readOnly: true }),
    ).rejects.toThrow()
    expect(
      await as(ALICE).transaction(
        (inner) => values(inner, sql`select current_setting('transaction_isolation')`),
        {
          isolation: 'serializable',
        },
      ),
    ).toEqual(['serializable'])
  })
})

describe('another tenant', () => {
  it("can't be written to, moved to, or told from nobody", async () => {
    await expect(run(as(BOB), insert('x'))).rejects.toBeInstanceOf(IsolationError)
    await expect(run(as(ALICE), sql`update notes set user_id = ${BOB}`)).rejects.toBeInstanceOf(
      IsolationError,
    )
    expect((await run(as(BOB), sql`delete from notes where user_id = ${ALICE}`)).count).toBe(0)
    expect((await run(as(BOB), sql`update notes set title = 'x' where user_id = ${ALICE}`)).count).toBe(0)
  })

  it("'s rows are as good as missing to a reference", async () => {
    const [folder] = await values(as(ALICE), sql`select id from folders`)
    const refer = (id: unknown) =>
      run(as(BOB), sql`insert into notes (user_id, folder_id, title) values (${BOB}, ${id}, 'x')`).catch(
        (error: unknown) => JSON.stringify(error),
      )
    expect(await refer(folder)).toBe(await refer('00000000-0000-4000-8000-0000000000ff'))
    expect(await refer(folder)).toContain('TENANTRY_FOREIGN_KEY')
  })

  it("'s keys are not in the way", async () => {
    await run(as(BOB), sql`insert into notes (user_id, title) values (${BOB}, ${OWN[0]})`)
    expect(await values(as(BOB), titles)).toEqual([...OWN, `note of ${BOB}`])
  })
})

describe('the service role', () => {
  it("sees all tenants, and can't tie their rows together", async () => {
    expect(await values(serviceExecutor(test.database), titles)).toEqual([...OWN, `note of ${BOB}`])
    await expect(
      run(
        serviceExecutor(test.database),
        sql`insert into notes (user_id, folder_id, title)
        select ${BOB}::uuid, id, 'x' from folders where user_id = ${ALICE}`,
      ),
    ).rejects.toBeInstanceOf(ForeignKeyError)
  })

  it('can be bound to a tenant; a tenant to none', () => {
    expect(bindTenant(serviceExecutor(test.database), BOB).tenant).toBe(BOB)
    expect(() => bindTenant(as(ALICE), BOB)).toThrow(IsolationError)
  })

  it('may neither empty a table nor change it', async () => {
    for (const text of [
      'truncate notes',
      'alter table notes disable row level security',
      'drop policy tenant_select on notes',
    ]) {
      await expect(run(serviceExecutor(test.database), sql.raw(text))).rejects.toBeInstanceOf(IsolationError)
      await expect(run(as(ALICE), sql.raw(text))).rejects.toBeInstanceOf(IsolationError)
    }
  })
})
