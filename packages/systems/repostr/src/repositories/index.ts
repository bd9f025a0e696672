/** The repositories of a scope, by the names under which it offers them. */
import { archivedOutputs } from './archived-outputs.ts'
import { files } from './files.ts'
import { limits } from './limits.ts'
import { outputs } from './outputs.ts'
import { profiles } from './profiles.ts'
import { projects } from './projects.ts'
import { subscriptions } from './subscriptions.ts'
import { templates } from './templates.ts'

export const repositories = {
  profiles,
  projects,
  files,
  outputs,
  archivedOutputs,
  templates,
  subscriptions,
  limits,
}
