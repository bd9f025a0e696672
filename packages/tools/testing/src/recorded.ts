import { bindQuery, type Executor, type Statement } from '@tenantry/core'

/** An executor that keeps what runs through it, in transactions too. */
export function recorded(executor: Executor, log: Statement[]): Executor {
  return {
    ...executor,
    async run(query, values = {}) {
      // The gate's own values are the executor's; here they only have to be there.
      const gate = { tenantry_user: 'gate', tenantry_organization: 'gate', tenantry_claims: 'gate' }
      log.push(bindQuery(query, { ...gate, ...values }))
      return executor.run(query, values)
    },
    transaction: (run, options) => executor.transaction((inner) => run(recorded(inner, log)), options),
  }
}
