import type { Connection } from '@tenantry/core'
import { rowsOf } from './rows.ts'

export interface LiveTrigger {
  /** The table's schema. */
  readonly schema: string
  readonly table: string
  readonly name: string
  /** As the server writes it, without the table's name. */
  readonly definition: string
  readonly enabled: 'origin' | 'always' | 'replica' | 'disabled'
  /** The server's own, which enforces a foreign key. */
  readonly internal: boolean
}

const TEXT = `
select
  namespace.nspname::text as "schema",
  class.relname::text as "table",
  trigger.tgname::text as "name",
  pg_catalog.replace(
    pg_catalog.replace(
      pg_catalog.pg_get_triggerdef(trigger.oid),
      pg_catalog.format(' ON %I.%I ', namespace.nspname, class.relname),
      ' '
    ),
    pg_catalog.format(' ON pg_temp.%I ', class.relname),
    ' '
  ) as "definition",
  case trigger.tgenabled
    when 'O' then 'origin'
    when 'A' then 'always'
    when 'R' then 'replica'
    else 'disabled'
  end as "enabled",
  trigger.tgisinternal as "internal"
from pg_catalog.pg_trigger as trigger
join pg_catalog.pg_class as class on class.oid = trigger.tgrelid
join pg_catalog.pg_namespace as namespace on namespace.oid = class.relnamespace
where namespace.nspname = any ($1::text[])
  -- A partition's copy of its parent's trigger counts only where it was switched off by itself.
  and (trigger.tgparentid = 0 or trigger.tgenabled = 'D')
order by 1, 2, 3`

/** Every trigger on a relation of the schemas. */
export function readTriggers(
  connection: Connection,
  schemas: readonly string[],
): Promise<readonly LiveTrigger[]> {
  return rowsOf(connection, TEXT, [schemas])
}
