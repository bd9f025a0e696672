import { type Executor, NotFoundError, StaleTransitionError } from '@tenantry/core'
import { defineRepository, parseInput, type Row, serviceOnly } from '@tenantry/repository'
import { bindTenant } from '@tenantry/rls'
import { changeState } from '@tenantry/workflow'
import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import { invitationMachine } from '../database/statuses.ts'
import { organizationInvitations as table, type userOrganizations } from '../schema/index.ts'
import {
  type AcceptInvitationInput,
  acceptInvitationInput,
  type InviteInput,
  inviteInput,
} from '../types/inputs.ts'
import { roleTooLow } from './managed.ts'
import { members } from './members.ts'
import { newestFirst } from './order.ts'

type Invitation = Row<typeof table>

/** Bytes of a token's secret part: nobody guesses 256 bits. */
const SECRET_BYTES = 32

/**
 * People who were asked to join. Owners and administrators invite, and only owners invite owners. The token
 * that accepts an invitation is told once, to whoever made it; the database has its hash.
 */
export const invitations = defineRepository(table, {
  tenant: 'organizationId',
  readOnly: ['status', 'tokenHash', 'invitedBy', 'acceptedBy', 'acceptedAt', 'expiresAt'],
  schema: { create: inviteInput },
  defaultSort: newestFirst,
  verbs: (repository, executor) => ({
    /**
     * Invites an e-mail address for seven days, by the database's clock. Send `token` there.
     *
     * Throws UniqueViolationError while an invitation of the address is open, IsolationError for a member whose
     * role isn't enough.
     */
    async invite(input: InviteInput): Promise<{ invitation: Invitation; token: string }> {
      const { email, role } = parseInput(table, inviteInput, input)
      const secret = randomSecret()
      const tokenHash = await hashOf(secret)
      return executor.transaction(async (within) => {
        const own = invitations.bind(within)
        // One that nobody can accept any more is no obstacle.
        await own.statement(
          'revoke expired',
          ({ tenant, value }) => ({
            returns: { id: table.id },
            query: (columns) => sql`update ${table} set status = 'revoked'
              where ${table.organizationId} = ${tenant} and ${table.email} = ${value('email', table.email)}
                and ${table.status} = 'pending' and ${table.expiresAt} <= now()
              returning ${columns}`,
          }),
          { email },
        )
        const [invitation] = await own.statement(
          'invite',
          ({ tenant, value }) => ({
            returns: getTableColumns(table),
            query: (columns) => sql`insert into ${table} (organization_id, email, role, token_hash)
              values (${tenant}, ${value('email', table.email)}, ${value('role', table.role)},
                ${value('tokenHash', table.tokenHash)})
              returning ${columns}`,
          }),
          { email, role, tokenHash },
        )
        if (invitation === undefined) throw missing()
        return { invitation, token: `${invitation.organizationId}.${secret}` }
      })
    },

    /** Invitations that can still be accepted, the newest first. */
    async open(): Promise<Invitation[]> {
      return repository.statement('open', ({ tenant, gate }) => ({
        returns: getTableColumns(table),
        query: (columns) => sql`select ${columns} from ${table}
          where ${table.organizationId} = ${tenant} and ${table.status} = 'pending'
            and ${table.expiresAt} > now() and ${gate}
          order by ${table.createdAt} desc, ${table.id} desc`,
      }))
    },

    /** Takes an invitation back. Throws StaleTransitionError when it was accepted or revoked before. */
    async revoke(id: string): Promise<Invitation> {
      try {
        return await changeState(table, repository, {
          verb: 'revoke',
          tenant: table.organizationId,
          row: { id },
          column: table.status,
          from: invitationMachine.from('revoked'),
          to: 'revoked',
        })
      } catch (error) {
        // For whom a policy hides the row from the change, it is there and in the right state.
        const open = error instanceof StaleTransitionError && (await repository.get(id)).status === 'pending'
        throw open ? roleTooLow(error) : error
      }
    },

    /**
     * Makes whoever has the token a member, with the role that was offered. Again by the same person it answers
     * the same. The host says who they are, from their session: service role only.
     *
     * Throws NotFoundError for a token that no open invitation has: it expired, was revoked, or never was.
     */
    async accept(input: AcceptInvitationInput): Promise<Row<typeof userOrganizations>> {
      serviceOnly(executor, 'accept')
      const { token, userId } = parseInput(table, acceptInvitationInput, input)
      const { organization, secret } = partsOf(token)
      const tokenHash = await hashOf(secret)
      return executor.transaction(async (within) => {
        const own = bindTenant(within, organization)
        const accepted = await acceptedInvitation(own, tokenHash, userId)
        if (accepted !== undefined) return members.bind(own).add({ userId, role: accepted.role })
        const before = await invitations.bind(own).find({ where: { tokenHash, acceptedBy: userId } })
        if (before === null) throw missing()
        return members.bind(own).get(userId)
      })
    },
  }),
})

async function acceptedInvitation(
  own: Executor,
  tokenHash: string,
  userId: string,
): Promise<Invitation | undefined> {
  const [accepted] = await invitations.bind(own).statement(
    'accept',
    ({ tenant, value }) => ({
      returns: getTableColumns(table),
      query: (
        columns,
      ) => sql`update ${table} set status = 'accepted', accepted_by = ${value('userId', table.acceptedBy)}
        where ${table.organizationId} = ${tenant} and ${table.tokenHash} = ${value('tokenHash', table.tokenHash)}
          and ${table.status} = 'pending' and ${table.expiresAt} > now()
        returning ${columns}`,
    }),
    { tokenHash, userId },
  )
  return accepted
}

/** The organization is in the token, so that every statement can name it. */
function partsOf(token: string): { organization: string; secret: string } {
  const [, organization, secret] = /^([0-9a-f-]{36})\.([0-9a-f]{64})$/.exec(token) ?? []
  if (organization === undefined || secret === undefined) throw missing()
  return { organization, secret }
}

function randomSecret(): string {
  return hex(crypto.getRandomValues(new Uint8Array(SECRET_BYTES)))
}

async function hashOf(secret: string): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret))))
}

function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}

function missing(): NotFoundError {
  return new NotFoundError('There is no open invitation of this token', { table: getTableName(table) })
}
