import type { DdlObject } from '@tenantry/core'
import { dollarQuote, quoteLiteral, statement } from '@tenantry/ddl'
import { ROLES } from './names.ts'

/**
 * A statement of a migration that writes rows, such as those that a product comes with. It runs as the service
 * role: under forced row security not even the owner of the tables may write. It must be repeatable
 * (`on conflict do nothing`), and a changed one is run again.
 */
export function serviceStatement({ id, write }: { readonly id: string; readonly write: string }): DdlObject {
  const body = `
declare
  -- A migration runs with it off, so that no policy hides a row from it unnoticed.
  before constant text := pg_catalog.current_setting('row_security');
begin
  perform pg_catalog.set_config('row_security', 'on', true);
  set local role ${ROLES.service};
  execute ${quoteLiteral(write)};
  reset role;
  perform pg_catalog.set_config('row_security', before, true);
end`
  return statement({ kind: 'finale', id, create: [`do ${dollarQuote(body, 'service')}`], drop: [] })
}
