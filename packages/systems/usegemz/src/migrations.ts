/** The folder of the generated migrations: in the sources a link to the repository's, in a package a copy. */
export const migrations = new URL('./migrations/', import.meta.url)
