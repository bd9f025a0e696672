/** What a scope's limits offer, typed by the declared features. */
import type { Feature, Features } from './options.ts'

/** Features that are consumed by calls; an allocated one is kept by the guard on its table. */
export type Consumable<F extends Features> = {
  [K in keyof F]: F[K] extends { readonly kind: 'allocated' } ? never : K
}[keyof F] &
  string

/** A feature that is counted by subject needs one, and no other takes one. */
export type SubjectOption<Of extends Feature> = Of extends { readonly subject: string }
  ? { readonly subject: string }
  : { readonly subject?: undefined }

type ArgumentsOf<Of extends Feature, Options> = Of extends { readonly subject: string }
  ? [amount: number, options: Options & SubjectOption<Of>]
  : [amount?: number, options?: Options & SubjectOption<Of>]

export interface ConsumeOptions {
  /**
   * Names the effect among those of the account: the same key with the same feature, subject and amount again counts
   * nothing. A call that was refused leaves nothing behind, so its key is free. Remembered for 30 days.
   */
  readonly key?: string
}

export interface Consumed {
  /** Of the period, with this call's. */
  readonly used: number
  readonly reserved: number
  readonly limit: number | null
  readonly plan: string | null
  /** Null where nothing starts anew. */
  readonly resetsAt: Date | null
  /** The effect was an earlier call's, with the same key; this one counted nothing. */
  readonly replayed: boolean
}

export interface HoldOptions {
  /** Names the hold among the account's. The same key again, with the same values, answers the hold as it is now. */
  readonly key: string
  /** How long the units are held, in milliseconds, if nobody says what became of the work. At most a year. */
  readonly ttlMs: number
}

/** `late`: finished after it had expired, all of it overage. */
export type HoldState = 'pending' | 'committed' | 'released' | 'expired' | 'late'

export interface Hold {
  readonly id: string
  readonly feature: string
  readonly subject: string | null
  readonly amount: number
  readonly state: HoldState
  /** What the work took; null until it is known. */
  readonly actual: number | null
  readonly expiresAt: Date
  /** An earlier call had made, or resolved, the hold; this one changed nothing. */
  readonly replayed: boolean
}

export interface FeatureUsage<Name extends string = string> {
  readonly feature: Name
  readonly kind: Feature['kind']
  /** Null where the feature isn't counted by subject, or no subject has used it in this period. */
  readonly subject: string | null
  readonly plan: string | null
  /** Null: unlimited. */
  readonly limit: number | null
  /** False: the standing of the subscription lets nothing be consumed. */
  readonly available: boolean
  readonly used: number
  readonly reserved: number
  readonly overage: number
  /** Of the limit, used and reserved, 0 to 100 and beyond; null where it is unlimited, or 0. */
  readonly percentage: number | null
  readonly startsAt: Date | null
  readonly resetsAt: Date | null
}

/** The limits of one tenant. Every method is one statement but `withHold`. */
export interface Limits<F extends Features> {
  /**
   * Counts an amount (default 1), if it fits. Outside a transaction, calls of one person for one counter that are
   * made while another is under way travel together.
   *
   * @throws PlanLimitError if it doesn't fit: nothing was written.
   * @throws IdempotencyError if the key was used for something else.
   * @throws ValidationError for an unknown feature, or an amount that it can't have.
   */
  consume<K extends Consumable<F>>(feature: K, ...rest: ArgumentsOf<F[K], ConsumeOptions>): Promise<Consumed>
  /** Holds an amount for work whose outcome isn't known yet. @throws as `consume`. */
  hold<K extends Consumable<F>>(
    feature: K,
    amount: number,
    options: HoldOptions & SubjectOption<F[K]>,
  ): Promise<Hold>
  /**
   * Says that the work was done, and what it took (default: what was held). More than was held is used as far as
   * there is room, the rest is overage; so is all of it after the hold has run out. The same again changes nothing.
   *
   * @throws StaleTransitionError if the hold was released, IdempotencyError if it was committed with another
   *   amount, NotFoundError if the account has no such hold.
   */
  commit(hold: Pick<Hold, 'id' | 'amount'>, actual?: number): Promise<Hold>
  /** Gives back what is held. @throws StaleTransitionError if it was committed, NotFoundError. */
  release(hold: Pick<Hold, 'id'>): Promise<Hold>
  /**
   * Runs work that takes `amount`, with nothing open in the database meanwhile: holds, runs, commits what `actual`
   * says of the result (default: what was held); releases if the work throws. If the process dies, the hold runs out.
   * If `actual` throws, or answers no amount, what was held is used, since the work is done.
   *
   * @throws IdempotencyError if work was finished under this key before, or is under way: it runs once at a time.
   *   Else what `hold`, `run`, `actual` or `commit` throws.
   */
  withHold<K extends Consumable<F>, R>(
    feature: K,
    options: HoldOptions &
      SubjectOption<F[K]> & { readonly amount?: number; readonly actual?: (result: R) => number },
    run: (hold: Hold) => Promise<R>,
  ): Promise<R>
  /** All features, in the order of their declaration; those counted by subject once for each that used them. */
  usage(): Promise<readonly FeatureUsage<keyof F & string>[]>
}
