import type { Finding } from '@tenantry/core'
import type { FunctionObject } from '@tenantry/ddl'
import type { Declared } from '../declared.ts'
import type { Deparsed } from '../deparse.ts'
import type { LiveFunction } from '../queries/functions.ts'
import { finding, restore } from './finding.ts'

/** Whether the declared functions are as declared, and no other runs with its owner's rights. */
export function functionFindings(
  declared: Declared,
  deparsed: Deparsed,
  live: readonly LiveFunction[],
): readonly Finding[] {
  const known = new Set<LiveFunction>()
  const departed = declared.functions.flatMap((object) => {
    const wanted = deparsed.functions.get(object.id)
    if (wanted === undefined) {
      return [
        finding(
          'function-not-comparable',
          object.id,
          `It could not be compared with its declaration: ${deparsed.refused.get(object.id) ?? 'the server did not make it'}`,
          'Create what it needs, and verify as the role that migrates',
        ),
      ]
    }
    const found = live.find(
      ({ schema, name, identity }) =>
        schema === object.schema && name === object.name && identity === wanted.identity,
    )
    if (found === undefined) {
      return [finding('function-missing', object.id, 'The function is missing', restore(...object.create))]
    }
    known.add(found)
    return compare(object, found, wanted)
  })
  const unknown = live.filter((each) => !known.has(each))
  return [...departed, ...unknown.flatMap((each) => undeclared(declared, each)), ...live.flatMap(leakproof)]
}

function compare(object: FunctionObject, live: LiveFunction, wanted: LiveFunction): readonly Finding[] {
  const findings: Finding[] = []
  const repair = restore(...object.create)
  const report = (code: string, message: string, remedy = repair): void =>
    void findings.push(finding(code, object.id, message, remedy))

  const changed = Object.keys(wanted.traits).filter((trait) => live.traits[trait] !== wanted.traits[trait])
  if (live.security !== wanted.security) changed.push('security')
  if (changed.length > 0) report('function-changed', `Not as declared: its ${changed.join(', its ')}`)

  const pathOf = (of: LiveFunction): string | undefined =>
    of.settings.find((each) => each.startsWith('search_path='))
  if (live.security === 'definer' && pathOf(live) !== 'search_path=pg_catalog, pg_temp') {
    report(
      'function-search-path',
      "It runs with its owner's rights, and its search path is not pinned as declared",
    )
  } else if (JSON.stringify(live.settings.toSorted()) !== JSON.stringify(wanted.settings.toSorted())) {
    report('function-changed', 'Not as declared: its settings')
  }
  if (object.owner !== null && live.owner !== object.owner) {
    report('function-owner', `It belongs to ${live.owner}, not ${object.owner}`)
  } else if (live.security === 'definer' && live.ownerBypasses) {
    report(
      'function-bypasses-rls',
      `It runs with the rights of ${live.owner}, whom no row security binds`,
      'Declare it with an owner that is subject to row security',
    )
  }
  findings.push(...callersOf(object, live))
  return findings
}

function callersOf(object: FunctionObject, live: LiveFunction): readonly Finding[] {
  // The owner's own right isn't listed among the callers.
  const wanted = object.executableBy.filter((role) => role !== live.owner)
  const signature = `${object.schema}.${live.name}${live.identity}`
  return [
    ...live.callers
      .filter((role) => !wanted.includes(role))
      .map((role) =>
        finding(
          role === 'public' ? 'function-public-execute' : 'function-execute-undeclared',
          object.id,
          role === 'public' ? 'Everyone may call it' : `${role} may call it, which is not declared`,
          `revoke execute on function ${signature} from ${role}`,
        ),
      ),
    ...wanted
      .filter((role) => !live.callers.includes(role))
      .map((role) =>
        finding('function-execute-missing', object.id, `${role} may not call it`, restore(...object.create)),
      ),
  ]
}

function undeclared(declared: Declared, live: LiveFunction): readonly Finding[] {
  if (live.security !== 'definer' || !declared.schemas.includes(live.schema)) return []
  const pinned = live.settings.some((each) => each.startsWith('search_path='))
  return [
    finding(
      'function-undeclared-definer',
      `function ${live.schema}.${live.name}${live.identity}`,
      `It runs with the rights of ${live.owner}${pinned ? '' : ', with the search path of its caller'}${live.callers.length === 0 ? '' : `, for ${live.callers.join(', ')}`}, and is not declared`,
      'Declare it with sqlFunction(), make it security invoker, or move it to a schema of its own',
    ),
  ]
}

function leakproof(live: LiveFunction): readonly Finding[] {
  if (!live.leakproof) return []
  return [
    finding(
      'function-leakproof',
      `function ${live.schema}.${live.name}${live.identity}`,
      'It is marked leakproof, so it may be called on rows before a policy has hidden them',
      'alter function … not leakproof',
    ),
  ]
}
