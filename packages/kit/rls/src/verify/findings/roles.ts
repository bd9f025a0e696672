import type { Finding } from '@tenantry/core'
import { ROLES } from '../../names.ts'
import type { PresetSetting } from '../queries/preset-settings.ts'
import type { LiveRole } from '../queries/roles.ts'
import { finding } from './finding.ts'
import { CLIENT_ROLES } from './grants.ts'

/** Whether the library's roles are what they must be, and nobody can become a trusted one who shouldn't. */
export function roleFindings(
  roles: readonly LiveRole[],
  presets: readonly PresetSetting[],
): readonly Finding[] {
  const found = new Map(roles.map((role) => [role.name, role]))
  return [
    ...Object.values(ROLES).flatMap((name) => {
      const role = found.get(name)
      if (role === undefined)
        return [finding('role-missing', name, 'The role is missing', 'Run the migrations')]
      return [...attributes(role), ...trustedMembers(role)]
    }),
    ...presets.map(({ setting, holder }) =>
      finding(
        'context-preset',
        holder,
        `Its sessions start with a value of ${setting}: they act for a tenant that nobody named`,
        `alter ${holder} reset ${setting}`,
      ),
    ),
  ]
}

function attributes({ name, attributes: held }: LiveRole): readonly Finding[] {
  if (held.length === 0) return []
  return [
    finding(
      'role-attribute',
      name,
      `The role has ${held.join(', ')}`,
      `alter role ${name} ${held.map((attribute) => `no${attribute}`).join(' ')}`,
    ),
  ]
}

function trustedMembers({ name, members, applications }: LiveRole): readonly Finding[] {
  if (name === ROLES.tenant) return []
  const clients = members.filter((member) => CLIENT_ROLES.includes(member))
  const logins = name === ROLES.definer ? applications : []
  return [...new Set([...clients, ...logins])].map((member) =>
    finding(
      'role-membership',
      name,
      `${member} is a member of it, and so can see every tenant`,
      `revoke ${name} from ${member}`,
    ),
  )
}
