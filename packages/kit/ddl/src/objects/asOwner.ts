import { dollarQuote, quoteIdentifier, quoteLiteral } from '../identifiers.ts'

/**
 * Runs statements as another role, which may use the schema and create in it for just as long. A migrating role that
 * isn't a superuser can't replace or drop what another role owns, so handing an object over after making it
 * would work once only.
 */
export function asOwner(schema: string, owner: string, statements: readonly string[]): readonly string[] {
  const [schemaName, ownerName] = [quoteIdentifier(schema), quoteIdentifier(owner)]
  const lent = "pg_catalog.current_setting('tenantry.lent')"
  const onSchema = `on schema ${schemaName.replaceAll("'", "''")}`
  const lend = `
declare
  lacking text;
begin
  select coalesce(pg_catalog.string_agg(privilege, ', '), '')
  into lacking
  from pg_catalog.unnest(array['usage', 'create']) as privilege
  where not pg_catalog.has_schema_privilege(${quoteLiteral(owner)}, ${quoteLiteral(schema)}, privilege);
  perform pg_catalog.set_config('tenantry.lent', lacking, false);
  if lacking <> '' then
    execute 'grant ' || lacking || ' ${onSchema} to ${ownerName.replaceAll("'", "''")}';
  end if;
end`
  const takeBack = `
begin
  if ${lent} <> '' then
    execute 'revoke ' || ${lent} || ' ${onSchema} from ${ownerName.replaceAll("'", "''")}';
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
