import { createHmac } from 'node:crypto'
import { ConfigurationError } from '@tenantry/core'
import type { QuasiIdentifierHash } from './types/privacy.ts'

/**
 * HMAC-SHA-256 of a quasi-identifier with its field's name, as 64 hex digits: the same value of the same field
 * is recognised, and can't be found by trying without the key. Texts are compared without case and outer
 * blanks. Another key gives other pseudonyms, so keep it.
 *
 * @throws ConfigurationError for a key of less than 16 bytes.
 */
export function quasiIdentifierHash(key: string | Uint8Array): QuasiIdentifierHash {
  if (Buffer.byteLength(key) < 16) {
    throw new ConfigurationError('The key for quasi-identifiers is shorter than 16 bytes', {
      hint: 'Make one with crypto.randomBytes(32), and keep it with the other secrets',
    })
  }
  return (field, value) => {
    const text =
      typeof value === 'string' ? value.normalize('NFKC').trim().toLowerCase() : JSON.stringify(value)
    return createHmac('sha256', key).update(`${field}\0${text}`).digest('hex')
  }
}
