/** What Repostr adds to its tables in the database. */
import type { Module } from '@tenantry/core'
import { archive } from './archive.ts'
import { outputClaims } from './outputs.ts'
import { storage } from './storage.ts'
import { tables } from './tables.ts'

export const modules: readonly Module[] = [tables, outputClaims.module, archive, storage]
