/**
 * Puts each system's entity-relationship diagram between its markers in the documentation. With `--check`
 * it writes nothing, and fails where something would change.
 *
 *   node --conditions=@tenantry/source --import tsx scripts/er-diagram.ts [--check]
 *
 * The markers are `<!-- er-diagram NAME -->` and `<!-- /er-diagram NAME -->`, each on a line of its own.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import * as contentpilot from '../packages/systems/contentpilot/src/schema/index.ts'
import * as infin8content from '../packages/systems/infin8content/src/schema/index.ts'
import * as repostr from '../packages/systems/repostr/src/schema/index.ts'
import * as sexyresume from '../packages/systems/sexyresume/src/schema/index.ts'
import * as usegemz from '../packages/systems/usegemz/src/schema/index.ts'
import { erDiagram, replaceDiagram } from './mermaid.ts'

const diagrams = [
  { name: 'contentpilot', schema: contentpilot, file: 'README.md' },
  ...Object.entries({ repostr, sexyresume, infin8content, usegemz }).map(([name, schema]) => ({
    name,
    schema,
    file: 'docs/data-models.md',
  })),
]

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } })
const stale = diagrams.filter(({ name, schema, file }) => {
  const path = join(import.meta.dirname, '..', file)
  const before = readFileSync(path, 'utf8')
  const after = replaceDiagram(before, name, erDiagram(schema))
  if (after === undefined) throw new Error(`${file} has no markers for the er-diagram ${name}`)
  if (!values.check && after !== before) writeFileSync(path, after)
  return after !== before
})
if (values.check && stale.length > 0) {
  const names = stale.map(({ name, file }) => `${name} in ${file}`).join(', ')
  console.error(`Out of date: ${names}. Run scripts/er-diagram.ts`)
  process.exitCode = 1
}
