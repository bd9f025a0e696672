/** The manifest's rows. */
import type { Connection } from '@tenantry/core'
import type { ArchiveFormat } from '../format/format.ts'
import type { Position } from './access.ts'
import type { TableShape } from './shape.ts'

export interface Segment {
  readonly id: string
  readonly runId: string
  readonly rule: string
  readonly relation: string
  readonly sequence: number
  readonly key: string
  readonly format: ArchiveFormat['name']
  readonly rows: number
  readonly contentSha256: string
  readonly objectSha256: string
  readonly objectBytes: number
  readonly shape: Pick<TableShape, 'columns' | 'primaryKey'>
  readonly position: { readonly order: readonly string[]; readonly at: Position }
  /** Lines that deletion has dealt with so far. */
  readonly linesDone: number
}

const COLUMNS = `
  segment.id::text, segment.run_id::text, segment.rule, segment.relation, segment.sequence, segment.key,
  segment.format, segment.row_count::text, segment.content_sha256, segment.object_sha256,
  segment.object_bytes::text, segment.shape, segment.position,
  coalesce((
    select max(batch.last_line) + 1 from tenantry.retention_batches as batch where batch.segment_id = segment.id
  ), 0)`

export async function segmentsWhere(
  connection: Connection,
  condition: string,
  params: readonly unknown[],
): Promise<readonly Segment[]> {
  const { rows } = await connection.query({
    text: `select ${COLUMNS} from tenantry.archive_segments as segment where ${condition}`,
    params,
  })
  return rows.map((row) => ({
    id: String(row[0]),
    runId: String(row[1]),
    rule: String(row[2]),
    relation: String(row[3]),
    sequence: Number(row[4]),
    key: String(row[5]),
    format: row[6] === 'parquet' ? 'parquet' : 'ndjson',
    rows: Number(row[7]),
    contentSha256: String(row[8]),
    objectSha256: String(row[9]),
    objectBytes: Number(row[10]),
    shape: row[11] as Segment['shape'],
    position: row[12] as Segment['position'],
    linesDone: Number(row[13]),
  }))
}

const RECORD = `
insert into tenantry.archive_segments (
  run_id, rule, relation, sequence, key, format, row_count, content_sha256, object_sha256, object_bytes, shape, position
)
values (
  $1::uuid, $2, $3, $4::integer, $5, $6, $7::bigint, $8, $9, $10::bigint, $11::jsonb, $12::jsonb
)
returning id::text`

export async function recordSegment(
  connection: Connection,
  segment: Omit<Segment, 'id' | 'linesDone'>,
): Promise<Segment> {
  const { rows } = await connection.query({
    text: RECORD,
    params: [
      segment.runId,
      segment.rule,
      segment.relation,
      segment.sequence,
      segment.key,
      segment.format,
      segment.rows,
      segment.contentSha256,
      segment.objectSha256,
      segment.objectBytes,
      JSON.stringify(segment.shape),
      JSON.stringify(segment.position),
    ],
    reusable: true,
  })
  return { ...segment, id: String(rows[0]?.[0]), linesDone: 0 }
}
