/** Every scenario on a database; those that only read come first, so that no write slows a read of another side. */
import type { Scenario } from '../scenario.ts'
import { createMany } from './create-many.ts'
import { dashboard } from './dashboard.ts'
import { insert } from './insert.ts'
import { list } from './list.ts'
import { distantPointRead, pointRead } from './point-read.ts'
import { textSearch } from './text-search.ts'
import { unit } from './unit.ts'
import { vectorSearch } from './vector-search.ts'

export const scenarios: readonly Scenario[] = [
  pointRead,
  distantPointRead,
  list,
  dashboard,
  textSearch,
  vectorSearch,
  insert,
  unit,
  createMany,
]
