import { ConfigurationError } from './errors.ts'

/** Throws ConfigurationError for a number that can't be counted to. PostgreSQL's own numbers end there too. */
export function checkCount(name: string, value: number | undefined): void {
  if (value === undefined || (Number.isInteger(value) && value >= 1 && value <= 2_147_483_647)) return
  throw new ConfigurationError(`${name} must be a whole number from 1 on`)
}
