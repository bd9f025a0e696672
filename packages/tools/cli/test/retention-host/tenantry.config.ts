import { defineConfig } from '@tenantry/cli'
import { diary, rules } from './system.ts'

export default defineConfig({ systems: [diary], retention: { diary: rules } })
