import { defineConfig } from '@tenantry/cli'
import { repairs } from './src/adoption.ts'

export default defineConfig({
  systems: [repairs],
  generate: { repairs: { directory: 'drizzle', mode: 'objects', format: 'drizzle-kit' } },
})
