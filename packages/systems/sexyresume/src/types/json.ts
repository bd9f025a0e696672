import type { z } from 'zod'

/** Any JSON value. */
export type Json = z.core.util.JSONType
