/** How far a person has come: onboarding, and the trial with its dates. */
import { lazyModule } from '@tenantry/core'
import { sqlFunction, trigger } from '@tenantry/ddl'
import { serviceJob } from '@tenantry/rls'
import { defineStateMachine } from '@tenantry/workflow'
import { userProfiles } from '../schema/index.ts'
import { TRIAL_DAYS } from '../types/enums.ts'

/** Forward only; steps may be left out, as for an account that is imported. */
export const onboardingMachine = defineStateMachine({
  table: userProfiles,
  column: 'onboardingStep',
  initial: ['pending', 'info_captured', 'intent_captured', 'completed'],
  edges: {
    pending: ['info_captured', 'intent_captured', 'completed'],
    info_captured: ['intent_captured', 'completed'],
    intent_captured: ['completed'],
    completed: [],
  },
})

const ENDED = 'new.trial_end_date <= pg_catalog.now()'

/**
 * pending → active → expired | cancelled | converted. A trial that has ended by its dates can only expire, and
 * one that hasn't can't: what becomes of it doesn't depend on when the job that ends trials has run.
 */
export const trialMachine = defineStateMachine({
  table: userProfiles,
  column: 'trialStatus',
  initial: ['pending', 'active', 'expired', 'cancelled', 'converted'],
  edges: {
    pending: ['active'],
    active: ['expired', 'cancelled', 'converted'],
    expired: [],
    cancelled: [],
    converted: [],
  },
})

const DATE_TRIAL = { schema: 'tenantry', name: 'date_trial' }

const END_TRIALS = `update public.user_profiles set trial_status = 'expired'
where trial_status = 'active' and trial_end_date <= pg_catalog.now()`

export const trialDates = lazyModule({
  name: 'trial dates',
  objects: () => [
    sqlFunction({
      ...DATE_TRIAL,
      returns: 'trigger',
      language: 'plpgsql',
      volatility: 'volatile',
      body: `
begin
  if new.trial_status = 'active' and old.trial_status = 'pending' then
    new.trial_start_date := pg_catalog.now();
    new.trial_end_date := new.trial_start_date + interval '${TRIAL_DAYS * 24} hours';
    return new;
  end if;
  new.trial_start_date := old.trial_start_date;
  new.trial_end_date := old.trial_end_date;
  if new.trial_status <> old.trial_status and (new.trial_status = 'expired') <> (${ENDED}) then
    raise exception using
      errcode = 'check_violation',
      message = case new.trial_status
        when 'expired' then 'a trial expires when its end has come, not before'
        else 'a trial whose end has come can only expire'
      end,
      schema = tg_table_schema, table = tg_table_name, constraint = 'user_profiles_trial_end';
  end if;
  return new;
end`,
    }),
    trigger({
      table: userProfiles,
      // After enforce_trial_status: what is no step at all is refused as such.
      name: 'keep_trial_dates',
      timing: 'before',
      events: [{ updateOf: ['trial_status', 'trial_start_date', 'trial_end_date'] }],
      execute: DATE_TRIAL,
    }),
  ],
  jobs: () => [
    serviceJob({
      name: 'end trials',
      schedule: '*/15 * * * *',
      description:
        'Marks trials whose end has come as expired; while it does not run, only the column trial_status is late',
      statement: END_TRIALS,
      message: (changed) => `${changed} trials whose end has come are expired`,
    }),
  ],
})
