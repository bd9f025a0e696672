import type { Command } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { alignColumns } from '../text.ts'
import { RETENTION_OPTIONS, withRetention } from '../with-retention.ts'

export const retentionStatus: Command = {
  summary:
    'how each rule stands: backlog, oldest row, last run; exit 1 if one with a backlog never came to its end',
  argument: null,
  options: RETENTION_OPTIONS,
  run: (input) =>
    withRetention(input, async ({ name, retention, driver, chosen }) => {
      const rules = await retention.status(driver, chosen)
      const open = rules.filter(
        ({ paused, backlogRows, lastRun }) =>
          !paused && backlogRows > 0 && (lastRun === null || lastRun.finishedAt === null),
      )
      return {
        exitCode: open.length === 0 ? EXIT.ok : EXIT.found,
        lines: [
          `${name}: ${open.length === 0 ? 'every rule comes to its end' : `${open.map(({ rule }) => rule).join(', ')} not finished; go on with tenantry retention run`}`,
          ...alignColumns(
            rules.map(({ rule, paused, backlogRows, oldest, lastRun, secondsToFinish, archive }) => [
              rule,
              paused ? 'paused' : `${backlogRows} to go`,
              oldest === null ? '' : `oldest ${oldest.toISOString().slice(0, 10)}`,
              lastRun === null
                ? 'never run'
                : `last run ${lastRun.startedAt.toISOString().slice(0, 16)}Z ${lastRun.finishedAt === null ? 'not finished' : 'finished'}, ${lastRun.changed} changed`,
              secondsToFinish === null ? '' : `${Math.ceil(secondsToFinish)} s to go`,
              archive.segments === 0 ? '' : `${archive.rows} rows archived`,
            ]),
          ),
        ],
        json: { system: name, rules },
      }
    }),
}
