/** How the lines of a segment become an object, and lines again. */
import { ndjson } from './ndjson.ts'
import { parquet } from './parquet.ts'

export interface ArchiveFormat {
  readonly name: 'ndjson' | 'parquet'
  /** Of the object's key, such as `.ndjson.gz`. */
  readonly suffix: string
  /** `content`, in parts: one JSON array of texts and nulls a line, each ended by a newline. */
  encode(content: readonly Uint8Array[], columns: readonly string[]): Promise<Uint8Array>
  /** Throws whatever it trips over where the object isn't whole. */
  decode(object: Uint8Array, columns: readonly string[]): Promise<Uint8Array>
}

export const formats: Readonly<Record<ArchiveFormat['name'], ArchiveFormat>> = { ndjson, parquet }
