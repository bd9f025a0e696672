import type { DdlObject } from '@tenantry/core'

/** What every builder of this package returns; `type` tells the builders' details apart. */
export interface DeclaredObject extends DdlObject {
  readonly type: string
  /** The relation that it belongs to, as `schema.name`: recreating that one recreates this one. */
  readonly on?: string
  /** The name by which other objects mention it, as `schema.name`: recreating it recreates those. */
  readonly provides?: string
  /**
   * What `create or replace` can't change, in any text form. An object that is otherwise replaced is
   * dropped and created anew when this differs.
   */
  readonly shape?: string
}
