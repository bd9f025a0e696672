import { defineConfig } from 'tsup'
import { library } from '../../../scripts/tsup.ts'

export default defineConfig(
  library({
    entry: [
      'src/index.ts',
      'src/vitest.ts',
      'src/global-setup.ts',
      'src/statement-tenants.ts',
      'src/catalog.ts',
    ],
  }),
)
