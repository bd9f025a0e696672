/** How the lines of a segment become an object, and lines again. */
import { ndjson } from './ndjson.ts'
import { parquet } from './parquet.ts'

/** Makes one object. */
export interface Encoder {
  /** A part of the content, in whole lines: one JSON array of texts and nulls each, ended by a newline. */
  write(part: Uint8Array): void
  /** The object, once. */
  end(): Promise<Uint8Array>
}

export interface ArchiveFormat {
  readonly name: 'ndjson' | 'parquet'
  /** Of the object's key, such as `.ndjson.gz`. */
  readonly suffix: string
  encoder(columns: readonly string[]): Encoder
  /** Throws whatever it trips over where the object isn't whole. */
  decode(object: Uint8Array, columns: readonly string[]): Promise<Uint8Array>
}

export const formats: Readonly<Record<ArchiveFormat['name'], ArchiveFormat>> = { ndjson, parquet }
