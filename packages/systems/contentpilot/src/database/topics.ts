import { lazyModule } from '@tenantry/core'
import { sqlFunction, trigger } from '@tenantry/ddl'
import { classifiedTopics } from '../schema/index.ts'
import { TOPIC_SCORE_MIN } from '../types/enums.ts'

const FUNCTION = { schema: 'tenantry', name: 'archive_low_classified_topics' }

/** A topic below the least score is stored as archived, whoever writes it. */
export const topicScore = lazyModule({
  name: 'topic score',
  objects: () => [
    sqlFunction({
      ...FUNCTION,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      body: `
begin
  if new.ai_score < ${TOPIC_SCORE_MIN} then
    new.status := 'archived';
  end if;
  return new;
end`,
    }),
    trigger({
      table: classifiedTopics,
      name: 'archive_low_score',
      timing: 'before',
      events: ['insert', { updateOf: ['ai_score', 'status'] }],
      execute: FUNCTION,
    }),
  ],
})
