/**
 * What each plan has in a month, whose first instant is UTC's. The document says that there are limits and costs, and
 * none of their numbers: these are the product's own. Null: unlimited. Costs are in US dollars, and a ceiling stays
 * where nothing else is limited. Nothing is imported here but types: browsers load it.
 */
import type { OrganizationPlan, UsageMetric } from './enums.ts'

/** Of each metric, what holds its cost. */
export const COST_FEATURES = {
  articles: 'article_cost',
  keywords: 'keyword_cost',
  research_queries: 'research_cost',
} as const satisfies Record<UsageMetric, string>

export type CostFeature = (typeof COST_FEATURES)[UsageMetric]

export const PLAN_CAPS = {
  free: {
    articles: 3,
    article_cost: 3,
    keywords: 250,
    keyword_cost: 1,
    research_queries: 50,
    research_cost: 1,
  },
  starter: {
    articles: 10,
    article_cost: 15,
    keywords: 1_000,
    keyword_cost: 5,
    research_queries: 300,
    research_cost: 5,
  },
  pro: {
    articles: 50,
    article_cost: 75,
    keywords: 10_000,
    keyword_cost: 25,
    research_queries: 2_500,
    research_cost: 25,
  },
  agency: {
    articles: null,
    article_cost: 1_000,
    keywords: null,
    keyword_cost: 500,
    research_queries: null,
    research_cost: 500,
  },
} as const satisfies Record<OrganizationPlan, Record<UsageMetric | CostFeature, number | null>>
