/** How many calls of the platforms' APIs are made for a person, by the settings as they are at that moment. */
import { defineRateLimits } from '@tenantry/limits'
import { contextExpressions } from '@tenantry/rls'
import { tenancy } from '../tenancy.ts'
import { API_CALLS_WINDOW_SECONDS } from '../types/enums.ts'

const setting = (key: string): string =>
  `(select setting.value from public.system_configurations as setting where setting.category = 'api' and setting.key = ${key})`

/** Read by each call, so that a change is in force at once, in every process. A setting that is gone admits nothing. */
export const apiCalls = defineRateLimits({
  name: 'api_call_windows',
  tenant: { expression: contextExpressions(tenancy).tenant, type: 'text' },
  limits: {
    api_calls: {
      kind: 'sliding-window',
      limit: {
        sql: `${setting(`'max_api_calls_' || coalesce(${setting(`'mode'`)}, 'production')`)}::integer`,
      },
      windowMs: API_CALLS_WINDOW_SECONDS * 1000,
    },
  },
})
