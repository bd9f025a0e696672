import { defineSystem } from '@tenantry/system'
import { modules } from './database/index.ts'
import { migrations } from './migrations.ts'
import { repositories } from './repositories/index.ts'
import * as schema from './schema/index.ts'
import { tenancy } from './tenancy.ts'

/** Repostr: what a user uploads to a project is repurposed into articles, posts and mails. */
export const repostr = defineSystem({ name: 'repostr', schema, tenancy, modules, repositories, migrations })
