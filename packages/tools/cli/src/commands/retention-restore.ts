import { ConfigurationError } from '@tenantry/core'
import { type Command, DATABASE_OPTIONS, textOf } from '../command.ts'
import { EXIT } from '../exit-code.ts'
import { count } from '../text.ts'
import { withRetention } from '../with-retention.ts'

export const retentionRestore: Command = {
  summary:
    'bring archived rows back, after checking each object and the table; may be repeated; exit 1 if some could not come back',
  argument: null,
  options: {
    ...DATABASE_OPTIONS,
    rule: { value: 'name', help: 'everything that this rule archived' },
    segments: { value: 'ids', help: 'these segments, separated by commas (tenantry.archive_segments)' },
    into: { value: 'table', help: 'another table of the same columns, as schema.name' },
    'changed-schema': { value: null, help: 'restore although the table has changed since' },
  },
  run: (input) =>
    withRetention(input, async ({ name, retention, driver }) => {
      const [rule, segments] = [textOf(input.given, 'rule'), textOf(input.given, 'segments')]
      if ((rule === undefined) === (segments === undefined)) {
        throw new ConfigurationError('Say what to restore', { hint: 'Give either --rule or --segments' })
      }
      const into = textOf(input.given, 'into')
      const report = await retention.restore(driver, {
        ...(rule === undefined ? { segments: segments?.split(',') ?? [] } : { rule }),
        ...(into === undefined ? {} : { into: tableOf(into) }),
        changedSchema: input.given['changed-schema'] === true,
      })
      return {
        exitCode: report.absent > 0 ? EXIT.found : EXIT.ok,
        lines: [
          `${name}: restored ${report.restored} of ${count(report.rows, 'row')} from ${count(report.segments, 'segment')}; ${report.present} were there already`,
          ...(report.absent > 0
            ? [
                `${count(report.absent, 'row')} not back: another row has a value of theirs that must be unique, or a trigger kept them out`,
                ...report.absentKeys.map((key) => `  ${JSON.stringify(key)}`),
              ]
            : []),
          ...(report.altered > 0
            ? [`${count(report.altered, 'row')} changed on the way, by a trigger or a generated column`]
            : []),
        ],
        json: { system: name, report },
      }
    }),
}

function tableOf(text: string): { readonly schema: string; readonly name: string } {
  const [schema = '', name = '', more] = text.split('.')
  if (schema === '' || name === '' || more !== undefined) {
    throw new ConfigurationError('--into must name a table as schema.name')
  }
  return { schema, name }
}
