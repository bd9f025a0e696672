/** The order of every list, unless the caller asks for another: the newest first, as the indexes have it. */
export const newestFirst = [{ createdAt: 'desc' }] as const
