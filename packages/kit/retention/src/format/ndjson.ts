import { promisify } from 'node:util'
import { gunzip, gzip } from 'node:zlib'
import type { ArchiveFormat } from './format.ts'

const [compress, decompress] = [promisify(gzip), promisify(gunzip)]

/** Three times as fast as the default level, for a tenth more bytes. */
const LEVEL = 1

/** `gunzip < object` shows the rows. */
export const ndjson: ArchiveFormat = {
  name: 'ndjson',
  suffix: '.ndjson.gz',
  encode: (content) => compress(content, { level: LEVEL }),
  decode: (object) => decompress(object),
}
