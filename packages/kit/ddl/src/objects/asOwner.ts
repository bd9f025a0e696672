import { dollarQuote, quoteIdentifier, quoteLiteral } from '../identifiers.ts'

/**
 * Runs statements as another role, which may create in the schema for just as long. A migrating role that
 * isn't a superuser can't replace or drop what another role owns, so handing an object over after making it
 * would work once only.
 */
export function asOwner(schema: string, owner: string, statements: readonly string[]): readonly string[] {
  const [schemaName, ownerName] = [quoteIdentifier(schema), quoteIdentifier(owner)]
  const may = `pg_catalog.has_schema_privilege(${quoteLiteral(owner)}, ${quoteLiteral(schema)}, 'create')`
  const lend = `
begin
  perform pg_catalog.set_config('tenantry.lent_create', (not ${may})::text, false);
  if not ${may} then
    grant usage, create on schema ${schemaName} to ${ownerName};
  end if;
end`
  const takeBack = `
begin
  if pg_catalog.current_setting('tenantry.lent_create')::boolean then
    revoke create on schema ${schemaName} from ${ownerName};
  end if;
end`
  return [
    `do ${dollarQuote(lend, 'lend')}`,
    `set role ${ownerName}`,
    ...statements,
    'reset role',
    `do ${dollarQuote(takeBack, 'take_back')}`,
  ]
}
