/**
 * Reads PostgreSQL's ISO text of dates and timestamps. `new Date(text)` must not be given it: for what isn't
 * ISO 8601 it guesses, and makes the year 2000 of `infinity` and a year after Christ of one before.
 */
const INSTANT = /^(\d{4,6})-(\d\d)-(\d\d)(?: (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d(?::\d\d)?)?)?$/

/** A time without zone is taken as UTC. Throws RangeError for infinity, years before Christ, and other text. */
export function parseInstant(text: string): Date {
  const [, year = '', month, day, time = '00:00:00', zone = 'Z'] = INSTANT.exec(text) ?? []
  const isoYear = year.length > 4 ? `+${year.padStart(6, '0')}` : year
  const isoZone = zone.length === 3 ? `${zone}:00` : zone
  const instant = new Date(`${isoYear}-${month}-${day}T${time}${isoZone}`)
  if (Number.isNaN(instant.getTime())) throw new RangeError('no such Date in JavaScript')
  return instant
}
