/** Where archive objects are kept. An object is written once and never overwritten. */
import type { StoredObject } from '@tenantry/core'

/**
 * What the library needs of a store. It trusts none: what was put is read back before a row is deleted, so a store
 * that loses, cuts or alters objects costs time, not rows.
 */
export interface ArchiveStore {
  /** For messages, such as `s3://bucket/prefix`. */
  readonly description: string
  /**
   * Stores an object whole, durably, and only if there is none of that key: `exists` leaves the old one as it is.
   * `sha256` is the hex digest of `body`, for the store to check what it received.
   */
  put(key: string, body: Uint8Array, options: { readonly sha256: string }): Promise<'stored' | 'exists'>
  /** The object's bytes; null where there is none. */
  get(key: string): Promise<AsyncIterable<Uint8Array> | null>
  /** What the store says about an object without sending it; null where there is none. */
  head(key: string): Promise<StoredObject | null>
  /** Every object whose key begins with `prefix`, in any order. It fails rather than end early. */
  list(prefix: string): AsyncIterable<StoredObject>
  /** One that isn't there is no error. */
  remove(key: string): Promise<void>
}
