import { defineSystem } from '@tenantry/system'
import { modules } from './database/index.ts'
import { rules } from './database/retention.ts'
import { migrations } from './migrations.ts'
import { repositories } from './repositories/index.ts'
import * as schema from './schema/index.ts'
import { tenancy } from './tenancy.ts'

const system = defineSystem({ name: 'repostr', schema, tenancy, modules, repositories, migrations })

/** Repostr: what a user uploads to a project is repurposed into articles, posts and mails. */
export const repostr = Object.assign(system, {
  /** What is archived when: to be planned, run and watched by hand, beside its job. */
  retention: rules,
})
