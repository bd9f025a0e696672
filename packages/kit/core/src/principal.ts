/** Who a scope acts for. */

/** Claims beyond the identity, readable in the database through `request.jwt.claims`. */
export type Claims = Readonly<Record<string, unknown>>

/** A person, for systems whose tenant is the user. */
export interface UserPrincipal {
  readonly userId: string
  readonly claims?: Claims
}

/** A person acting in one of their organizations; membership is checked in the database. */
export interface OrganizationPrincipal {
  readonly userId: string
  readonly organizationId: string
  readonly claims?: Claims
}

export type Principal = UserPrincipal | OrganizationPrincipal
