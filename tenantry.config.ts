/** What `npm run generate` compares with the last snapshots. By path: the root depends on no package of its own. */
import { contentpilot } from './packages/systems/contentpilot/src/index.ts'
import { defineConfig } from './packages/tools/cli/src/index.ts'

export default defineConfig({
  systems: [contentpilot],
  generate: { contentpilot: { directory: 'migrations/contentpilot' } },
})
