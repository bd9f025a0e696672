import {
  foreignKey,
  index,
  numeric,
  pgTable,
  primaryKey,
  unique,
  uniqueIndex,
  uuid,
  varchar,
} from 'drizzle-orm/pg-core'
import { sql } from 'drizzle-orm'
import { expect, test } from 'vitest'
import { erDiagram, replaceDiagram } from '../mermaid.ts'

const shops = pgTable('shops', { id: uuid('id').primaryKey(), code: varchar('code', { length: 9 }).unique() })
const owners = pgTable(
  'owners',
  { shopId: uuid('shop_id').notNull(), name: varchar('name', { length: 50 }) },
  (table) => [
    foreignKey({ name: 'owners_fk', columns: [table.shopId], foreignColumns: [shops.id] }),
    uniqueIndex('owners_shop').on(table.shopId),
  ],
)
const goods = pgTable(
  'goods',
  {
    shopId: uuid('shop_id').notNull(),
    id: uuid('id').notNull(),
    price: numeric('price', { precision: 8, scale: 2 }),
  },
  (table) => [
    primaryKey({ name: 'goods_pk', columns: [table.shopId, table.id] }),
    foreignKey({ name: 'goods_fk', columns: [table.shopId], foreignColumns: [shops.id] }),
    index('goods_price').on(table.price),
    uniqueIndex('goods_free')
      .on(table.price)
      .where(sql`price = 0`),
  ],
)
const sales = pgTable(
  'sales',
  { id: uuid('id').primaryKey(), shopId: uuid('shop_id').notNull(), goodId: uuid('good_id') },
  (table) => [
    unique('sales_good').on(table.goodId, table.shopId),
    foreignKey({
      name: 'sales_fk',
      columns: [table.shopId, table.goodId],
      foreignColumns: [goods.shopId, goods.id],
    }),
  ],
)

test('draws tables, types, keys, and how many rows stand on each side of a foreign key', () => {
  expect(erDiagram({ shops, notATable: 1, owners, goods, sales })).toBe(
    `
erDiagram
  shops {
    uuid id PK
    varchar(9) code UK
  }
  owners {
    uuid shop_id FK, UK
    varchar(50) name
  }
  goods {
    uuid shop_id PK, FK
    uuid id PK
    numeric(8_2) price
  }
  sales {
    uuid id PK
    uuid shop_id FK
    uuid good_id FK
  }
  shops ||--o| owners : "shop_id"
  shops ||--o{ goods : "shop_id"
  goods |o--o| sales : "shop_id, good_id"`.trimStart(),
  )
})

test('replaces what stands between the markers, changes nothing when run again, and tells when there are none', () => {
  const page = 'before\n<!-- er-diagram shop -->\nold\n<!-- /er-diagram shop -->\nafter\n'
  const once = replaceDiagram(page, 'shop', 'erDiagram')
  expect(once).toBe(
    'before\n<!-- er-diagram shop -->\n\n```mermaid\nerDiagram\n```\n\n<!-- /er-diagram shop -->\nafter\n',
  )
  expect(replaceDiagram(once ?? '', 'shop', 'erDiagram')).toBe(once)
  expect(replaceDiagram(page, 'other', 'erDiagram')).toBeUndefined()
})
