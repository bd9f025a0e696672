import { NotFoundError, type ObjectStore } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import type { OrphanOptions, Orphans } from '@tenantry/retention'
import { bindTenant } from '@tenantry/rls'
import { changeState, type Claim, type ClaimBatch, type ClaimKey, type FailOutcome } from '@tenantry/workflow'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { exportFiles } from '../database/export-files.ts'
import { exportClaims } from '../database/requests.ts'
import { exports as table } from '../schema/index.ts'
import {
  type ExportedFileInput,
  exportedFileInput,
  type ExportInput,
  exportInput,
  failedInput,
} from '../types/inputs.ts'
import { newestFirst } from './order.ts'

type Export = Row<typeof table>

/** Files made of resumes: asked for by customers, made by workers, kept for a day. Each lies under its user's id. */
export const exports = defineRepository(table, {
  tenant: 'userId',
  // Follow from the verbs.
  readOnly: [
    'status',
    'storagePath',
    'fileSizeBytes',
    'errorMessage',
    'expiresAt',
    'completedAt',
    'leaseToken',
    'attempts',
    'availableAt',
  ],
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /** Asks for a file, in the resume's template unless another is named. Throws NotFoundError for a resume that isn't there. */
    async request(input: ExportInput): Promise<Export> {
      const { resumeId, format, template = null } = parseInput(table, exportInput, input)
      const [asked] = await repository.statement(
        'request',
        ({ tenant, gate, value }) => ({
          returns: getTableColumns(table),
          query: (columns) => sql`insert into ${table} (user_id, resume_id, format, template)
            select ${tenant}, resume.id, ${value('format', table.format)}, coalesce(${value('template', table.template)}, resume.template)
            from public.resumes as resume
            where resume.id = ${value('resumeId', table.resumeId)} and resume.user_id = ${tenant}
              and resume.deleted_at is null and ${gate}
            returning ${columns}`,
        }),
        { resumeId, format, template },
      )
      if (asked === undefined) throw new NotFoundError('There is no such resume', { table: 'resumes' })
      return asked
    },

    /** A file that is ready and hasn't expired, by the database's clock. Throws NotFoundError otherwise. */
    async file(id: string): Promise<Export & { readonly storagePath: string }> {
      const [found] = await repository.statement(
        'file',
        ({ tenant, gate, value }) => ({
          returns: { ...getTableColumns(table), storagePath: sql<string>`${table.storagePath}` },
          query: (columns) => sql`select ${columns} from ${table}
            where ${table.id} = ${value('id', table.id)} and ${table.userId} = ${tenant}
              and ${table.status} = 'completed' and ${table.storagePath} is not null
              and ${table.expiresAt} > now() and ${gate}`,
        }),
        { id },
      )
      if (found === undefined) {
        throw new NotFoundError('There is no such file, or it has expired', { table: getTableName(table) })
      }
      return found
    },

    /** Files to be made, for a worker: see `defineClaims` of @tenantry/workflow. Service role only. */
    async claim(options: { readonly limit?: number } = {}): Promise<ClaimBatch<typeof table>> {
      serviceOnly(executor, 'claim')
      return exportClaims.claim(executor, options)
    },

    /**
     * The file is there. It expires a day from now. Again with the same claim it changes nothing. Throws StaleTransitionError
     * when another worker has taken over.
     */
    async complete(claim: ClaimKey, input: ExportedFileInput): Promise<void> {
      serviceOnly(executor, 'complete')
      const file = parseInput(table, exportedFileInput, input)
      await executor.transaction(async (within) => {
        if ((await exportClaims.finish(within, claim, { set: file })) === 'repeated') return
        await exports.bind(bindTenant(within, claim.tenant)).statement(
          'expire in a day',
          ({ tenant, value }) => ({
            returns: { id: table.id },
            query: (columns) => sql`update ${table} set expires_at = now() + interval '24 hours'
              where ${table.id} = ${value('id', table.id)} and ${table.userId} = ${tenant}
              returning ${columns}`,
          }),
          { id: claim.id },
        )
      })
    },

    /** It failed: it is tried again after a wait, or given up after the third attempt. Service role only. */
    async fail(claim: ClaimKey, errorMessage: string): Promise<Exclude<FailOutcome, 'stale'>> {
      serviceOnly(executor, 'fail')
      return exportClaims.fail(executor, claim, parseInput(table, failedInput, { errorMessage }).errorMessage)
    },

    /**
     * Removes files that no export names, such as those of exports that have expired, and exports whose file isn't
     * there, of all users, once they are older than a grace period: see `ObjectSweep` of @tenantry/retention. Service
     * role only, outside a transaction.
     */
    removeOrphans: (store: ObjectStore, options: OrphanOptions = {}): Promise<Orphans> =>
      exportFiles.run(executor, store, options),

    /** failed → pending: from the start. Service role only. */
    async retry(id: string): Promise<Export> {
      serviceOnly(executor, 'retry')
      return changeState(table, repository, {
        verb: 'retry',
        column: table.status,
        tenant: table.userId,
        row: { id },
        from: ['failed'],
        to: 'pending',
      })
    },
  }),
})

export type ExportClaim = Claim<typeof table>
