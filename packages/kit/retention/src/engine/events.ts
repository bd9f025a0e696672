/** What a run tells while it runs. Counts are of the run's present process. */
export type RetentionEvent = { readonly rule: string; readonly runId: string } & (
  | {
      readonly type: 'started'
      readonly cutoff: string
      /** A run that another process had begun. */ readonly resumed: boolean
    }
  | { readonly type: 'exported'; readonly rows: number; readonly bytes: number }
  /** The object was read back and holds what was sent. */
  | { readonly type: 'verified'; readonly key: string; readonly objectBytes: number }
  /** The manifest has it: from here its rows may be deleted. */
  | { readonly type: 'recorded'; readonly key: string; readonly rows: number }
  | {
      readonly type: 'batch'
      readonly effect: string
      readonly changed: number
      /** Left alone: changed since, held, locked or referred to. */
      readonly kept: number
      readonly ms: number
      /** Rows of the next one. */
      readonly nextRows: number
    }
  | { readonly type: 'waiting'; readonly reason: 'replication' | 'vacuum' }
  | { readonly type: 'ended'; readonly ended: RunEnd }
)

/**
 * `done`: nothing is left that was old enough at the cut-off. `budget`, `aborted`: the next call goes on. `busy`:
 * another worker has the rule. `paused`: a policy of the host says so.
 */
export type RunEnd = 'done' | 'budget' | 'aborted' | 'busy' | 'paused'
