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
    `do ${dollarQuote(lend, LEND)}`,
    `set role ${ownerName}`,
    ...statements,
    RESET,
    `do ${dollarQuote(takeBack, 'take_back')}`,
  ]
}

const LEND = 'lend'
const RESET = 'reset role'

/** How many of the statements at `index` end the work of an owner which those after them begin again; 0: none. */
export function pauseOfOwner(texts: readonly string[], index: number): number {
  const [reset, takeBack, lend, setRole] = texts.slice(index, index + 4)
  if (reset !== RESET || lend === undefined || !lend.startsWith(`do $${LEND}$`)) return 0
  // What is taken back is what was lent: the last before it.
  const begun = texts.lastIndexOf(lend, index)
  const other = texts.findLastIndex((text, at) => at < index && text.startsWith(`do $${LEND}$`))
  return begun >= 0 && begun === other && texts[begun + 1] === setRole && takeBack !== undefined ? 4 : 0
}
