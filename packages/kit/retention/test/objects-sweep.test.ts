import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createdAt, id, instant } from '@tenantry/core'
import { defineTenancy, tenancyObjects } from '@tenantry/rls'
import { type DirectoryStore, directoryStore } from '@tenantry/testing'
import { isNotNull } from 'drizzle-orm'
import { index, pgTable, text, uuid } from 'drizzle-orm/pg-core'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { defineObjectSweep, placeHold, retention } from '../src/index.ts'
import { moduleTableObjects } from './support/documents.ts'
import { createPlace, type Place } from './support/firm-place.ts'

const [ANNA, BERT] = ['00000000-0000-4000-8000-00000000000a', '00000000-0000-4000-8000-00000000000b']
const LONG_AGO = new Date(Date.now() - 48 * 3_600_000)

const uploads = pgTable(
  'uploads',
  {
    id: id(),
    owner: uuid('owner').notNull(),
    /** Null until the object is there. */
    path: text('path'),
    finishedAt: instant('finished_at'),
    createdAt: createdAt(),
  },
  (table) => [index('uploads_owner').on(table.owner)],
)
const schema = { uploads }
const tenancy = defineTenancy({
  kind: 'user-uuid',
  schema,
  tables: { uploads: { class: 'tenant', column: 'owner' } },
})
const { module } = retention({ rules: [], schema, tenants: tenancy.tables })

const sweep = defineObjectSweep({
  table: uploads,
  tenant: 'owner',
  key: 'path',
  since: 'createdAt',
  where: isNotNull(uploads.finishedAt),
  tenantOf: (key) => /^([0-9a-f-]{36})\/./.exec(key)?.[1] ?? null,
  holds: { tenants: tenancy.tables },
})

let place: Place
let folder: string
let store: DirectoryStore
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'tenantry-sweep-'))
  store = directoryStore(folder)
  place = await createPlace('uploads', {
    schema,
    module,
    objects: [...tenancyObjects(tenancy), ...module.objects, ...moduleTableObjects(module)],
  })
  for (const owner of [ANNA, BERT]) {
    await place.raw(
      `insert into uploads (owner, path, finished_at, created_at) values
         ($1::uuid, $1 || '/whole', $2, $2), ($1::uuid, $1 || '/row-alone', $2, $2),
         ($1::uuid, null, null, $2), ($1::uuid, $1 || '/unfinished', null, $2), ($1::uuid, $1 || '/young', now(), now())`,
      owner,
      LONG_AGO,
    )
    for (const name of ['whole', 'object-alone']) {
      await store.put(`${owner}/${name}`, 'x', { modifiedAt: LONG_AGO })
    }
    await store.put(`${owner}/arriving`, 'x')
  }
  await store.put('logo.png', 'x', { modifiedAt: LONG_AGO })
})
afterEach(async () => {
  await place.close()
  rmSync(folder, { recursive: true })
})

const keys = async () => {
  const found: string[] = []
  for await (const { key } of store.list()) found.push(key)
  return found.toSorted()
}
const rows = async () =>
  (await place.raw(`select path from uploads where path is not null order by 1`)).map(([path]) => path)

const of = (owner: string, ...names: string[]) => names.map((name) => `${owner}/${name}`)

describe('what is half there', () => {
  it('goes, both ways, once it is old; what is under way, unfinished or of unknown owner stays', async () => {
    expect(await sweep.run(place.service, store)).toEqual({
      objects: { checked: 7, removed: 2, foreign: 1 },
      rows: { checked: 4, removed: 2 },
    })
    expect(await keys()).toEqual([
      ...of(ANNA, 'arriving', 'whole'),
      ...of(BERT, 'arriving', 'whole'),
      'logo.png',
    ])
    expect(await rows()).toEqual([
      ...of(ANNA, 'unfinished', 'whole', 'young'),
      ...of(BERT, 'unfinished', 'whole', 'young'),
    ])
    expect(await sweep.run(place.service, store)).toMatchObject({
      objects: { removed: 0 },
      rows: { removed: 0 },
    })
  })

  it('stays with a held tenant, rows and objects', async () => {
    await placeHold(place.service, { tenant: ANNA, reason: 'matter 12', by: 'counsel' })
    expect(await sweep.run(place.service, store)).toMatchObject({
      objects: { removed: 1 },
      rows: { removed: 1 },
    })
    expect(await keys()).toContain(`${ANNA}/object-alone`)
    expect(await rows()).toContain(`${ANNA}/row-alone`)
    expect(await keys()).not.toContain(`${BERT}/object-alone`)
  })

  it('stays with a held table, and a held row stays', async () => {
    await placeHold(place.service, {
      table: uploads,
      row: { path: `${BERT}/row-alone` },
      reason: 'matter 12',
      by: 'counsel',
    })
    expect(await sweep.run(place.service, store)).toMatchObject({
      objects: { removed: 2 },
      rows: { removed: 1 },
    })
    expect(await rows()).toContain(`${BERT}/row-alone`)
    await placeHold(place.service, { table: uploads, reason: 'matter 13', by: 'counsel' })
    await store.put(`${ANNA}/object-alone`, 'x', { modifiedAt: LONG_AGO })
    expect(await sweep.run(place.service, store)).toMatchObject({
      objects: { removed: 0 },
      rows: { removed: 0 },
    })
  })
})
