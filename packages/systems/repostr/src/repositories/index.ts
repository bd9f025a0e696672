export const repositories = {}
