import { ConfigurationError } from '@tenantry/core'
import type { S3Client } from '@aws-sdk/client-s3'
import type { ArchiveStore } from './store.ts'

export interface S3ArchiveOptions {
  /** `new S3Client({ region, endpoint, credentials, … })`: of AWS, or of any service that speaks its protocol. */
  readonly client: S3Client
  readonly bucket: string
  /** Before every key, such as `archive/production`. Default: none. */
  readonly prefix?: string
}

/**
 * A store in an S3 bucket. Objects are put under the condition that there is none of the key, with their SHA-256,
 * which the service checks against what it received. It needs the rights to put, get, list and delete objects; a
 * bucket with Object Lock keeps them from deletion by anyone else.
 *
 * @throws ConfigurationError at its first use where @aws-sdk/client-s3 is not installed.
 */
export function s3Archive({ client, bucket, prefix = '' }: S3ArchiveOptions): ArchiveStore {
  const root = prefix === '' ? '' : `${prefix.replace(/\/+$/, '')}/`
  const at = (key: string) => ({ Bucket: bucket, Key: root + key })
  return {
    description: `s3://${bucket}/${root}`,
    async put(key, body, { sha256 }) {
      const { PutObjectCommand } = await commands()
      try {
        await client.send(
          new PutObjectCommand({
            ...at(key),
            Body: body,
            ContentLength: body.byteLength,
            ChecksumSHA256: Buffer.from(sha256, 'hex').toString('base64'),
            IfNoneMatch: '*',
          }),
        )
        return 'stored'
      } catch (error) {
        if (statusOf(error) === 412) return 'exists'
        throw error
      }
    },
    async get(key) {
      const { GetObjectCommand } = await commands()
      try {
        const { Body } = await client.send(new GetObjectCommand(at(key)))
        return (Body ?? []) as AsyncIterable<Uint8Array>
      } catch (error) {
        if (statusOf(error) === 404) return null
        throw error
      }
    },
    async head(key) {
      const { HeadObjectCommand } = await commands()
      try {
        const found = await client.send(new HeadObjectCommand(at(key)))
        return { key, sizeBytes: found.ContentLength ?? 0, modifiedAt: found.LastModified ?? new Date(0) }
      } catch (error) {
        if (statusOf(error) === 404) return null
        throw error
      }
    },
    async *list(within) {
      const { paginateListObjectsV2 } = await commands()
      for await (const page of paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: root + within })) {
        for (const { Key, Size, LastModified } of page.Contents ?? []) {
          if (Key === undefined) continue
          yield {
            key: Key.slice(root.length),
            sizeBytes: Size ?? 0,
            modifiedAt: LastModified ?? new Date(0),
          }
        }
      }
    },
    async remove(key) {
      const { DeleteObjectCommand } = await commands()
      await client.send(new DeleteObjectCommand(at(key)))
    },
  }
}

/** The package is large, and only this store's. */
async function commands() {
  try {
    return await import('@aws-sdk/client-s3')
  } catch (cause) {
    throw new ConfigurationError('The package @aws-sdk/client-s3 is not installed', {
      cause,
      hint: 'Install @aws-sdk/client-s3, or use another archive store',
    })
  }
}

function statusOf(error: unknown): number | undefined {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return undefined
  const { $metadata: metadata } = error
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined
}
