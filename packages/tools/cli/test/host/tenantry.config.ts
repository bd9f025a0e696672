import { defineConfig } from '@tenantry/cli'
import { notebook } from './system.ts'

export default defineConfig({
  systems: [notebook],
  generate: { notebook: { directory: 'migrations' } },
})
