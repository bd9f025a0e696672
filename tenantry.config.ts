/** What `npm run generate` compares with the last snapshots. By path: the root depends on no package of its own. */
import { contentpilot } from './packages/systems/contentpilot/src/index.ts'
import { infin8content } from './packages/systems/infin8content/src/index.ts'
import { repostr } from './packages/systems/repostr/src/index.ts'
import { sexyresume } from './packages/systems/sexyresume/src/index.ts'
import { usegemz } from './packages/systems/usegemz/src/index.ts'
import { defineConfig } from './packages/tools/cli/src/index.ts'

export default defineConfig({
  systems: [contentpilot, infin8content, repostr, sexyresume, usegemz],
  generate: {
    contentpilot: { directory: 'migrations/contentpilot' },
    infin8content: { directory: 'migrations/infin8content' },
    repostr: { directory: 'migrations/repostr' },
    sexyresume: { directory: 'migrations/sexyresume' },
    usegemz: { directory: 'migrations/usegemz' },
  },
})
