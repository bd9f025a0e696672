import type { ObjectStore } from '@tenantry/core'
import { defineRepository, parseInput, type Row } from '@tenantry/repository'
import type { OrphanOptions, Orphans } from '@tenantry/retention'
import { files as table } from '../schema/index.ts'
import { orphans } from '../storage/orphans.ts'
import { fileChanges, fileInput, type UploadInput, uploadInput } from '../types/inputs.ts'
import { newestFirst } from './order.ts'

/** Uploads of a project. The row says where the object lies; the object itself is the store's. */
export const files = defineRepository(table, {
  tenant: 'userId',
  schema: { create: fileInput, update: fileChanges },
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /**
     * Registers a file that is about to be uploaded, under a path of its own (`{user}/{project}/{uuid}.{ext}`):
     * upload the object to the `path` of the row. A row whose object never arrives is removed after a grace period.
     */
    async register(input: UploadInput): Promise<Row<typeof table>> {
      const { extension, ...file } = parseInput(table, uploadInput, input)
      // As the database writes a uuid, with which it compares.
      const project = file.projectId.toLowerCase()
      const path = `${executor.tenant ?? ''}/${project}/${crypto.randomUUID()}.${extension}`
      return repository.create({ ...file, path })
    },

    /**
     * Removes objects that no file refers to, and files whose object isn't there, of all users, once they are
     * older than a grace period: see `ObjectSweep` of @tenantry/retention. Service role only, outside a transaction.
     */
    removeOrphans: (store: ObjectStore, options: OrphanOptions = {}): Promise<Orphans> =>
      orphans.run(executor, store, options),
  }),
})
