import type { Connection } from '@tenantry/core'
import { rowsOf } from './rows.ts'

export interface PresetSetting {
  readonly setting: string
  /** The role or database whose every session starts with it. */
  readonly holder: string
}

const TEXT = `
select
  pg_catalog.split_part(preset, '=', 1) as "setting",
  case
    when configuration.setrole <> 0 then 'role ' || pg_catalog.pg_get_userbyid(configuration.setrole)
    else 'database ' || pg_catalog.current_database()
  end as "holder"
from pg_catalog.pg_db_role_setting as configuration
cross join lateral pg_catalog.unnest(configuration.setconfig) as preset
where configuration.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = pg_catalog.current_database()))
  and pg_catalog.split_part(preset, '=', 1) = any ($1::text[])
order by 1, 2`

/** Settings of the context that sessions of this database start with, whoever they act for. */
export function readPresetSettings(
  connection: Connection,
  settings: readonly string[],
): Promise<readonly PresetSetting[]> {
  return rowsOf(connection, TEXT, [settings])
}
