import { ConfigurationError } from '@tenantry/core'
import type { ArchiveFormat } from './format.ts'
import { splitLines } from './lines.ts'

/**
 * Every column is an optional string with PostgreSQL's own text, so that every type comes back as it was; a reader
 * casts what it needs.
 */
export const parquet: ArchiveFormat = {
  name: 'parquet',
  suffix: '.parquet',
  encoder(columns) {
    const content: Uint8Array[] = []
    return { write: (part) => void content.push(part), end: () => encode(content, columns) }
  },
  async decode(object, columns) {
    const { parquetReadObjects } = await load(() => import('hyparquet'))
    const file = object.buffer.slice(object.byteOffset, object.byteOffset + object.byteLength) as ArrayBuffer
    const rows = await parquetReadObjects({ file, columns: [...columns] })
    return Buffer.from(rows.map((row) => lineFrom(columns, row)).join(''))
  },
}

async function encode(content: readonly Uint8Array[], columns: readonly string[]): Promise<Uint8Array> {
  const { parquetWriteBuffer } = await load(() => import('hyparquet-writer'))
  const rows = content.flatMap(splitLines).map((line) => JSON.parse(line) as readonly (string | null)[])
  const columnData = columns.map((name, index) => ({
    name,
    type: 'STRING' as const,
    nullable: true,
    data: rows.map((row) => row[index] ?? null),
  }))
  return new Uint8Array(parquetWriteBuffer({ columnData }))
}

/** As to_json writes it: no spaces, the same escapes. */
function lineFrom(columns: readonly string[], row: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify(columns.map((name) => row[name] ?? null))}\n`
}

async function load<T>(from: () => Promise<T>): Promise<T> {
  try {
    return await from()
  } catch (cause) {
    throw new ConfigurationError('Archives in Parquet need packages that are not installed', {
      cause,
      hint: 'Install hyparquet-writer 0.17 and hyparquet 1.31, or use the format ndjson',
    })
  }
}
