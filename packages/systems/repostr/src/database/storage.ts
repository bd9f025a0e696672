import { lazyModule } from '@tenantry/core'
import { dollarQuote, statement } from '@tenantry/ddl'
import { UPLOADS_BUCKET } from '../types/enums.ts'

/** Where there is no Supabase Storage this does nothing; where the bucket is there already it stays as it is. */
const BUCKET = `
begin
  if pg_catalog.to_regclass('storage.buckets') is null then
    return;
  end if;
  insert into storage.buckets (id, name, public)
  values ('${UPLOADS_BUCKET}', '${UPLOADS_BUCKET}', true)
  on conflict do nothing;
  if not exists (
    select from pg_catalog.pg_policies
    where schemaname = 'storage' and tablename = 'objects' and policyname = 'Public read uploads'
  ) then
    create policy "Public read uploads" on storage.objects
    for select using (bucket_id = '${UPLOADS_BUCKET}');
  end if;
exception when insufficient_privilege then
  raise warning 'The bucket ${UPLOADS_BUCKET} could not be made: %', sqlerrm
    using hint = 'Make it by hand: public, with a policy "Public read uploads" for select';
end`

/** The public bucket of uploads, on Supabase. */
export const storage = lazyModule({
  name: 'storage',
  objects: () => [
    statement({
      kind: 'finale',
      id: `bucket ${UPLOADS_BUCKET}`,
      create: [`do ${dollarQuote(BUCKET, 'storage')}`],
      drop: [],
    }),
  ],
})
