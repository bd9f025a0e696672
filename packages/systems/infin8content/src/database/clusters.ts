import { lazyModule } from '@tenantry/core'
import { sqlFunction, trigger } from '@tenantry/ddl'
import { clusterValidationResults } from '../schema/index.ts'
import { CLUSTER_SIMILARITY_MIN, CLUSTER_SPOKES_MAX, CLUSTER_SPOKES_MIN } from '../types/enums.ts'

const FUNCTION = { schema: 'tenantry', name: 'validate_cluster' }

/**
 * A validation result is what the hub's clusters say at the moment of writing, whoever writes it: number of
 * spokes and average similarity are counted, and the verdict follows from them and the thresholds.
 */
export const clusterValidation = lazyModule({
  name: 'cluster validation',
  objects: () => [
    sqlFunction({
      ...FUNCTION,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      body: `
declare
  min_similarity constant numeric := coalesce((new.validation_metadata ->> 'min_similarity')::numeric, ${CLUSTER_SIMILARITY_MIN});
  min_spokes constant integer := coalesce((new.validation_metadata ->> 'min_spokes')::integer, ${CLUSTER_SPOKES_MIN});
  max_spokes constant integer := coalesce((new.validation_metadata ->> 'max_spokes')::integer, ${CLUSTER_SPOKES_MAX});
begin
  select pg_catalog.avg(cluster.similarity_score), pg_catalog.count(*)
  into new.avg_similarity, new.spoke_count
  from public.topic_clusters as cluster
  where cluster.organization_id = new.organization_id
    and cluster.workflow_id = new.workflow_id
    and cluster.hub_keyword_id = new.hub_keyword_id;
  new.validation_reason := case
    when new.spoke_count < min_spokes then
      pg_catalog.format('%s spokes, and it takes at least %s', new.spoke_count, min_spokes)
    when new.spoke_count > max_spokes then
      pg_catalog.format('%s spokes, and at most %s belong together', new.spoke_count, max_spokes)
    when new.avg_similarity is null then 'the similarity of no spoke is known'
    when new.avg_similarity < min_similarity then
      pg_catalog.format('an average similarity of %s, and it takes at least %s', pg_catalog.round(new.avg_similarity, 3), min_similarity)
  end;
  new.validation_status := case when new.validation_reason is null then 'valid' else 'invalid' end;
  return new;
end`,
    }),
    trigger({
      table: clusterValidationResults,
      name: 'validate_cluster',
      timing: 'before',
      events: ['insert', 'update'],
      execute: FUNCTION,
    }),
  ],
})
