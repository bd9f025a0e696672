/** A store of objects (S3, Supabase Storage, a folder), as far as housekeeping needs one. */

export interface StoredObject {
  /** Its full name, with slashes and without a leading one. */
  readonly key: string
  readonly sizeBytes: number
  /** By the store's clock. */
  readonly modifiedAt: Date
}

export interface ObjectStore {
  /**
   * Every object whose key begins with `prefix`, in any order; without a prefix every object. It must fail rather
   * than end early: what it leaves out is taken to be missing.
   */
  list(options?: { readonly prefix?: string }): AsyncIterable<StoredObject>
  /** Removes objects. One that isn't there is no error. */
  delete(keys: readonly string[]): Promise<void>
}
