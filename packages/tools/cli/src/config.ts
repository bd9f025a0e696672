import type { Database } from '@tenantry/core'
import type { Retention } from '@tenantry/retention'
import type { Definitions, System, SystemDefinition } from '@tenantry/system'

/** A system as `defineSystem` made it, whatever its tables and repositories. */
export interface OperableSystem {
  (
    database: Database,
  ): Pick<System<Record<string, unknown>, Definitions>, 'migrate' | 'status' | 'verify' | 'runJob'>
  readonly definition: Omit<SystemDefinition, 'repositories'>
}

/** The rules of a system, as `retention()` made them. */
export type OperableRetention = Pick<Retention, 'plan' | 'run' | 'status' | 'restore'>

/** Where the migrations of one system are written, and who owns its tables. */
export type GenerateTarget = {
  /** Relative to the folder of the configuration file. */
  readonly directory: string
} & (
  | {
      /** Tables and everything beside them (the default): the folder is run by `migrate`. */
      readonly mode?: 'all'
    }
  | {
      /** Only what stands beside the tables, which another tool migrates. */
      readonly mode: 'objects'
      /** `drizzle-kit`: the folder is drizzle-kit's own ("out"), and drizzle-kit applies the file. */
      readonly format?: 'tenantry' | 'drizzle-kit'
    }
)

/** What `tenantry.config.ts` exports as its default. */
export interface TenantryConfig {
  /** Any number, the host's own included. With several, commands that use a database are told which by `--system`. */
  readonly systems: readonly OperableSystem[]
  /**
   * By the system's name. A system that isn't named here gets no migrations: those of an installed package
   * are its own.
   */
  readonly generate?: Readonly<Record<string, GenerateTarget>>
  /** By the system's name: what `retention()` answered, with the store of its archives. */
  readonly retention?: Readonly<Record<string, OperableRetention>>
}

/** Gives the configuration its type; answers it as it is. */
export function defineConfig(config: TenantryConfig): TenantryConfig {
  return config
}
