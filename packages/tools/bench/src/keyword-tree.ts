/** Infin8Content's keywords of one workflow in their hierarchy: a thousand times a workflow's documented fifty. */
import { infin8content } from '@tenantry/infin8content'
import type { ByHand } from './by-hand.ts'
import { expectRows } from './pick.ts'

const SEEDS = 100
const LONGTAILS = 20
const SUBTOPICS = 24

const PRINCIPAL = {
  userId: '11111111-1111-4111-8111-111111111111',
  organizationId: '22222222-2222-4222-8222-222222222222',
}
const WORKFLOW = '33333333-3333-4333-8333-333333333333'

const SEED = `
begin;
-- A login that isn't bound by policies seeds; the triggers hold as for everyone.
insert into users (id, email, full_name) values ('${PRINCIPAL.userId}', 'ada@example.com', 'Ada');
insert into organizations (id, name) values ('${PRINCIPAL.organizationId}', 'Analytical');
insert into organization_subscriptions (organization_id, plan, status)
values ('${PRINCIPAL.organizationId}', 'agency', 'active');
insert into user_organizations (user_id, organization_id, role)
values ('${PRINCIPAL.userId}', '${PRINCIPAL.organizationId}', 'owner');
insert into intent_workflows (id, organization_id, created_by, title)
values ('${WORKFLOW}', '${PRINCIPAL.organizationId}', '${PRINCIPAL.userId}', 'Engines');
insert into keywords (organization_id, workflow_id, keyword, keyword_type)
select '${PRINCIPAL.organizationId}', '${WORKFLOW}', 'seed ' || n, 'seed' from generate_series(1, ${SEEDS}) as n;
insert into keywords (organization_id, workflow_id, parent_seed_keyword_id, keyword, keyword_type)
select organization_id, workflow_id, id, keyword || ' longtail ' || n, 'longtail'
from keywords, generate_series(1, ${LONGTAILS}) as n where keyword_type = 'seed';
insert into keywords (organization_id, workflow_id, parent_seed_keyword_id, keyword, keyword_type)
select organization_id, workflow_id, id, keyword || ' subtopic ' || n, 'subtopic'
from keywords, generate_series(1, ${SUBTOPICS}) as n where keyword_type = 'longtail';
commit;`

interface Node {
  readonly id: string
  readonly parent_seed_keyword_id: string | null
  readonly children: Node[]
}

export const keywordTree: ByHand<ReturnType<typeof infin8content>> = {
  scenario: `keyword tree of ${SEEDS * (1 + LONGTAILS * (1 + SUBTOPICS))} rows`,
  system: infin8content,
  seed: SEED,
  block: 1,
  async sides(system, raw) {
    return {
      ours: async () => expectRows(await system.as(PRINCIPAL).keywords.tree(WORKFLOW), SEEDS),
      async raw() {
        const rows = await raw<Omit<Node, 'children'>[]>`
          select * from keywords
          where organization_id = ${PRINCIPAL.organizationId} and workflow_scope = ${WORKFLOW}
          order by created_at, keyword_normalized`
        const nodes = new Map<string, Node>(rows.map((row) => [row.id, { ...row, children: [] }]))
        const roots: Node[] = []
        for (const node of nodes.values()) {
          const parent =
            node.parent_seed_keyword_id === null ? undefined : nodes.get(node.parent_seed_keyword_id)
          ;(parent?.children ?? roots).push(node)
        }
        return expectRows(roots, SEEDS)
      },
    }
  },
}
