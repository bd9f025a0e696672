/** Settings as they are stored, as text, and as a program uses them, by their type. */
import type { z } from 'zod'
import type { ConfigurationType } from './enums.ts'

/**
 * A decimal number of at most 15 digits before the point and after it: such numbers are themselves in JavaScript.
 * In the words that JavaScript and PostgreSQL share.
 */
export const NUMBER_PATTERN = '^-?[0-9]{1,15}([.][0-9]{1,15})?$'

/** `2 days`, `1 hour 30 minutes`. No months or years: how long those are depends on when they begin. */
export const DURATION_PATTERN =
  '^[0-9]{1,9} (second|minute|hour|day|week)s?( [0-9]{1,9} (second|minute|hour|day|week)s?)*$'

const SECONDS = { second: 1, minute: 60, hour: 3600, day: 86_400, week: 604_800 } as const

const duration = new RegExp(DURATION_PATTERN)

/** `1 hour 30 minutes` → 5400. Throws RangeError for what is no duration. */
export function durationSeconds(text: string): number {
  if (!duration.test(text)) throw new RangeError('Expected a duration such as "2 days"')
  let seconds = 0
  for (const [, count, unit] of text.matchAll(/([0-9]+) (second|minute|hour|day|week)/g)) {
    seconds += Number(count) * SECONDS[unit as keyof typeof SECONDS]
  }
  return seconds
}

/** A setting's value; of a duration its seconds. */
export type ConfigurationValue =
  | { readonly valueType: 'string'; readonly value: string }
  | { readonly valueType: 'number'; readonly value: number }
  | { readonly valueType: 'boolean'; readonly value: boolean }
  | { readonly valueType: 'duration'; readonly value: number }
  | { readonly valueType: 'json'; readonly value: z.core.util.JSONType }

/** What a program gets for a setting of this type. */
export type ConfigurationValueOf<T extends ConfigurationType> = Extract<
  ConfigurationValue,
  { valueType: T }
>['value']

/** What a stored text means. The database has refused texts that mean nothing. */
export function configurationValue(valueType: ConfigurationType, text: string): ConfigurationValue {
  switch (valueType) {
    case 'string':
      return { valueType, value: text }
    case 'number':
      return { valueType, value: Number(text) }
    case 'boolean':
      return { valueType, value: text === 'true' }
    case 'duration':
      return { valueType, value: durationSeconds(text) }
    case 'json':
      return { valueType, value: JSON.parse(text) as z.core.util.JSONType }
  }
}
