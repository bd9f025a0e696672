import { describeOnServer } from '@tenantry/testing/vitest'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  lockHolds,
  notHeld,
  placeHold,
  readGraph,
  readHolds,
  releaseHold,
  type TableGraph,
} from '../src/index.ts'
import { createPlace, type Place } from './support/firm-place.ts'
import { documents, module, objects, schema, tenants } from './support/firm.ts'

const [ANNA, BERT] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b']
const said = { reason: 'matter 12', by: 'counsel' }

let place: Place
let graph: TableGraph
beforeAll(async () => {
  place = await createPlace('firm', { schema, objects, module })
  graph = await readGraph(place.database.driver, { tenants })
})
afterAll(() => place.close())

/** Two clients, each with two matters of one document with a remark, and an answer to it. */
beforeEach(async () => {
  await place.database.driver.transaction({}, async (connection) => {
    await connection.script(`set local session_replication_role = replica;
      alter table tenantry.legal_holds disable trigger user;
      truncate clients, matters, documents, remarks, cache, tenantry.legal_holds;
      alter table tenantry.legal_holds enable always trigger normalise_legal_hold;
      alter table tenantry.legal_holds enable always trigger guard_legal_hold;
      alter table tenantry.legal_holds enable always trigger guard_legal_holds;`)
  })
  await place.database.driver.transaction({}, async (connection) => {
    await connection.script(`
      insert into clients (id, name) values ('${ANNA}', 'anna'), ('${BERT}', 'bert');
      insert into matters (id, client_id) select md5(name || n)::uuid, id from clients, generate_series(1, 2) as n;
      insert into documents (id, client_id, matter_id, title)
        select md5('d' || matters.id)::uuid, client_id, matters.id, name || '-' || n
        from clients, generate_series(1, 2) as n, matters where matters.id = md5(name || n)::uuid;
      insert into remarks (id, document_id, body) select md5('r' || id)::uuid, id, title from documents;
      insert into remarks (document_id, answer_to, body) select document_id, id, body || '-answer' from remarks;
      insert into cache default values;`)
  })
})

/** What a run would delete of a table now, by a column. */
async function deletable(table: string, column: string): Promise<readonly unknown[]> {
  return place.database.driver.transaction({}, async (connection) => {
    const holds = await lockHolds(connection)
    const { rows } = await connection.query({
      text: `select ${column} from ${table} as t where ${notHeld(graph, { table: `public.${table}`, alias: 't', holds })} order by 1`,
      params: [],
    })
    return rows.map(([value]) => value)
  })
}

const hold = (row: Readonly<Record<string, unknown>>, table: string) =>
  placeHold(place.service, { table: { name: table }, row, ...said })

describe('without holds', () => {
  it('the condition is no condition', async () => {
    const holds = await readHolds(place.database.driver)
    expect(holds.key).toBe('')
    expect(notHeld(graph, { table: 'public.documents', alias: 't', holds })).toBe('true')
  })

  it('a hold that cannot reach a table costs it nothing', async () => {
    await placeHold(place.service, { tenant: ANNA, ...said })
    const holds = await readHolds(place.database.driver)
    expect(notHeld(graph, { table: 'public.cache', alias: 't', holds })).toBe('true')
  })
})

describe('a hold reaches', () => {
  it('every row of a tenant, and what hangs on them without a tenant of its own', async () => {
    await placeHold(place.service, { tenant: ANNA, ...said })
    expect(await deletable('clients', 'name')).toEqual(['bert'])
    expect(await deletable('documents', 'title')).toEqual(['bert-1', 'bert-2'])
    expect(await deletable('remarks', 'body')).toEqual(['bert-1', 'bert-1-answer', 'bert-2', 'bert-2-answer'])
  })

  it('a row, what hangs on it over several tables, and its parents, whose deletion would cascade', async () => {
    await placeHold(place.service, { table: documents, row: { title: 'anna-1' }, ...said })
    expect(await deletable('documents', 'title')).toEqual(['anna-2', 'bert-1', 'bert-2'])
    expect(await deletable('remarks', 'body')).toEqual([
      'anna-2',
      'anna-2-answer',
      'bert-1',
      'bert-1-answer',
      'bert-2',
      'bert-2-answer',
    ])
    expect(await deletable('matters', 'count(*)')).toEqual(['3'])
    expect(await deletable('clients', 'name')).toEqual(['bert'])
  })

  it('along references of a table to itself, both ways', async () => {
    await hold({ body: 'anna-1' }, 'remarks')
    expect(await deletable('remarks', 'body')).not.toContain('anna-1-answer')
    await hold({ body: 'bert-1-answer' }, 'remarks')
    expect(await deletable('remarks', 'body')).not.toContain('bert-1')
    expect(await deletable('documents', 'title')).toEqual(['anna-2', 'bert-2'])
  })

  it('a whole table, and so whatever hangs on it or would take it along', async () => {
    await placeHold(place.service, { table: documents, ...said })
    expect(await deletable('documents', 'title')).toEqual([])
    expect(await deletable('remarks', 'body')).toEqual([])
    expect(await deletable('clients', 'name')).toEqual([])
    expect(await deletable('cache', '1')).toEqual([1])
  })

  it('a sibling through what both would take along: the cascade from the parent stops', async () => {
    const matter = await place.value(`select matter_id from documents where title = 'anna-1'`)
    await hold({ id: matter }, 'matters')
    expect(await deletable('clients', 'name')).toEqual(['bert'])
    expect(await deletable('documents', 'title')).toEqual(['anna-2', 'bert-1', 'bert-2'])
    expect(await deletable('matters', 'count(*)')).toEqual(['3'])
  })

  it('nothing any more once it is released or over, and it stays in the history', async () => {
    const { id } = await placeHold(place.service, { tenant: ANNA, ...said })
    await placeHold(place.service, { tenant: BERT, until: new Date(Date.now() - 1000), ...said })
    expect(await deletable('clients', 'name')).toEqual(['bert'])
    await releaseHold(place.service, { id, by: 'counsel', reason: 'settled' })
    expect(await deletable('clients', 'name')).toEqual(['anna', 'bert'])
    expect(await place.value('select count(*)::int from tenantry.legal_holds')).toBe(2)
    await expect(releaseHold(place.service, { id, by: 'x', reason: 'y' })).rejects.toMatchObject({
      code: 'TENANTRY_NOT_FOUND',
    })
  })
})

describe('the condition made before anything is held', () => {
  it('says the same as the one made for the holds in force', async () => {
    await placeHold(place.service, { table: documents, row: { title: 'anna-1' }, ...said })
    await placeHold(place.service, { tenant: BERT, ...said })
    for (const [table, column] of [
      ['clients', 'name'],
      ['matters', 'id'],
      ['documents', 'title'],
      ['remarks', 'body'],
      ['cache', 'id'],
    ] as const) {
      const always = notHeld(graph, { table: `public.${table}`, alias: 't', holds: null })
      const rows = await place.database.driver.transaction({}, async (connection) => {
        await lockHolds(connection)
        const text = `select ${column} from ${table} as t where ${always} order by 1`
        return (await connection.query({ text, params: [] })).rows
      })
      expect(rows.map(([value]) => value)).toEqual(await deletable(table, column))
    }
  })
})

describe('placing', () => {
  it('refuses a row that is not there, columns that pick out several, no reason, and a tenant', async () => {
    await expect(hold({ title: 'none' }, 'documents')).rejects.toMatchObject({ code: 'TENANTRY_NOT_FOUND' })
    await expect(hold({ client_id: ANNA }, 'documents')).rejects.toThrow(/pick out 2 rows/)
    await expect(hold({ nonsense: 1 }, 'documents')).rejects.toThrow(/no column nonsense/)
    await expect(
      placeHold(place.service, { tenant: ANNA, reason: ' ', by: 'counsel' }),
    ).rejects.toMatchObject({ code: 'TENANTRY_VALIDATION' })
    expect(await place.value('select count(*)::int from tenantry.legal_holds')).toBe(0)
  })

  it('is history: nobody changes what was said, deletes it, or releases it twice', async () => {
    await placeHold(place.service, { tenant: ANNA, ...said })
    for (const text of [
      `update tenantry.legal_holds set reason = 'other'`,
      `update tenantry.legal_holds set tenant = '${BERT}'`,
      'delete from tenantry.legal_holds',
      'truncate tenantry.legal_holds',
    ]) {
      await expect(place.raw(text)).rejects.toMatchObject({ code: 'TENANTRY_ISOLATION' })
    }
  })
})

describeOnServer('holds and batches at once', () => {
  it('a hold waits for the batch that is under way, and every later batch sees it', async () => {
    const begun = signal()
    const end = signal()
    const batch = place.database.driver.transaction({}, async (connection) => {
      await lockHolds(connection)
      begun.resolve()
      await end.promise
      await connection.query({ text: `delete from remarks`, params: [] })
    })
    await begun.promise
    let placed = false
    const placing = placeHold(place.service, { tenant: ANNA, ...said }).then(() => (placed = true))
    // The batch ends whatever is found, or the test would never come to its own end.
    await waitsForLock(place).catch((error: unknown) => {
      end.resolve()
      throw error
    })
    // It would begin while the hold waits: it queues behind it, and doesn't slip in.
    const later = deletable('documents', 'title')
    expect(placed).toBe(false)
    end.resolve()
    await Promise.all([batch, placing])
    expect(await later).toEqual(['bert-1', 'bert-2'])
  })

  it('holds placed by raw SQL, not yet committed, are waited for and seen', async () => {
    const inserted = signal()
    const commit = signal()
    const raw = place.database.driver.transaction({}, async (connection) => {
      await connection.query({
        text: `insert into tenantry.legal_holds (tenant, reason, placed_by) values ($1, 'r', 'b')`,
        params: [ANNA],
      })
      inserted.resolve()
      await commit.promise
    })
    await inserted.promise
    const batch = deletable('clients', 'name')
    await waitsForLock(place).finally(() => commit.resolve())
    await raw
    expect(await batch).toEqual(['bert'])
  })

  it('a transaction whose snapshot could be older than a hold is refused', async () => {
    await expect(
      place.database.driver.transaction({ isolation: 'repeatable read' }, (connection) =>
        lockHolds(connection),
      ),
    ).rejects.toThrow(/25000|READ COMMITTED/)
  })

  it('a batch that takes turns with others does not starve a hold', async () => {
    let stop = false
    const batches = Array.from({ length: 4 }, async () => {
      while (!stop) {
        await place.database.driver.transaction({}, async (connection) => {
          await lockHolds(connection)
          await connection.query({ text: 'select pg_sleep(0.02)', params: [] })
        })
      }
    })
    const started = performance.now()
    await placeHold(place.service, { tenant: ANNA, ...said })
    const waitedMs = performance.now() - started
    stop = true
    await Promise.all(batches)
    expect(waitedMs).toBeLessThan(1000)
  })
})

function signal(): { readonly promise: Promise<void>; resolve(): void } {
  let resolve = (): void => {}
  const promise = new Promise<void>((settle) => (resolve = settle))
  return { promise, resolve }
}

/** Until some session of the database waits for a lock; nobody does where nothing is locked. */
async function waitsForLock(at: Place): Promise<void> {
  const text = `select count(*)::int from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
  await expect.poll(() => at.value(text), { interval: 5, timeout: 5000 }).toBeGreaterThan(0)
}
