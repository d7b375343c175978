//! What the members of a JWT mean.

/// Claims and their meanings: RFC 7519 (section 4.1), OpenID Connect Core (sections 2 and 5.1), RFC 7800, RFC 8693
/// (section 4), RFC 9068, RFC 9396, and those of widespread servers.
const CLAIMS: &[(&str, &str)] = &[
    ("iss", "issuer: the server that created the token"),
    ("sub", "subject: the user or client that the token is about, as the issuer names it"),
    ("aud", "audience: the recipients that the token is intended for"),
    ("exp", "expiry: the token is not valid after this time"),
    ("nbf", "the token is not valid before this time"),
    ("iat", "time at which the token was issued"),
    ("jti", "identifier of this token"),
    ("azp", "authorized party: the client that the id_token was issued to"),
    ("client_id", "the client that requested the token"),
    ("cid", "the client that requested the token"),
    ("appid", "the client that requested the token"),
    ("scope", "the granted scopes"),
    ("scp", "the granted scopes"),
    ("roles", "the roles of the subject"),
    ("groups", "the groups of the subject"),
    ("entitlements", "the entitlements of the subject"),
    ("permissions", "the permissions of the subject"),
    ("authorization_details", "the granted authorization details (RFC 9396)"),
    ("nonce", "binds the id_token to one login"),
    ("auth_time", "when the user authenticated"),
    ("acr", "authentication context: how well the user authenticated"),
    ("amr", "the methods by which the user authenticated"),
    ("at_hash", "binds the id_token to its access token"),
    ("c_hash", "binds the id_token to its authorization code"),
    ("s_hash", "binds the id_token to the state of the login"),
    ("sid", "the session at the issuer"),
    ("cnf", "proof of possession: the key that the token is bound to (RFC 7800)"),
    ("act", "actor: who acts on behalf of the subject (RFC 8693)"),
    ("may_act", "who may act on behalf of the subject (RFC 8693)"),
    ("name", "full name of the user"),
    ("given_name", "given name of the user"),
    ("family_name", "family name of the user"),
    ("middle_name", "middle name of the user"),
    ("nickname", "nickname of the user"),
    ("preferred_username", "user name; it may change, and is not unique"),
    ("profile", "profile page of the user"),
    ("picture", "picture of the user"),
    ("website", "web page of the user"),
    ("email", "email address of the user"),
    ("email_verified", "whether the issuer has verified the email address"),
    ("gender", "gender of the user"),
    ("birthdate", "date of birth of the user"),
    ("zoneinfo", "time zone of the user"),
    ("locale", "language of the user"),
    ("phone_number", "telephone number of the user"),
    ("phone_number_verified", "whether the issuer has verified the telephone number"),
    ("address", "postal address of the user"),
    ("updated_at", "when these claims about the user last changed"),
    ("tid", "the tenant (Microsoft)"),
    ("oid", "the user within the tenant (Microsoft)"),
    ("upn", "user principal name (Microsoft)"),
    ("ver", "version of the token's format"),
    ("hd", "the Google Workspace domain of the user"),
    ("typ", "type of the token"),
    ("token_use", "use of the token (Amazon Cognito)"),
    ("realm_access", "roles in the realm (Keycloak)"),
    ("resource_access", "roles at clients (Keycloak)"),
    ("session_state", "the session at the issuer"),
    ("events", "security events (RFC 8417)"),
];

/// Members of the header and their meanings: RFC 7515 (section 4.1), RFC 7516 (section 4.1).
const HEADER: &[(&str, &str)] = &[
    ("alg", "the algorithm of the signature or of the key encryption"),
    ("enc", "the algorithm that encrypts the content"),
    ("kid", "the issuer's identifier of the key"),
    ("typ", "type of the token: `at+jwt` is an access token (RFC 9068)"),
    ("cty", "type of the content: `JWT` is a nested token"),
    ("crit", "extensions that the recipient must support"),
    ("jku", "address of keys; never fetched, because the token itself cannot be trusted for it"),
    ("jwk", "a key; never used, because the token itself cannot be trusted for it"),
    ("x5u", "address of certificates; never fetched"),
    ("x5c", "certificates of the key; never used"),
    ("x5t", "fingerprint of the key's certificate"),
    ("x5t#S256", "fingerprint of the key's certificate"),
    ("zip", "compression of the content"),
];

/// Returns what a claim means; `None` for a private claim of the issuer.
pub fn of_claim(name: &str) -> Option<&'static str> {
    meaning(CLAIMS, name)
}

/// Returns what a member of the header means.
pub fn of_header(name: &str) -> Option<&'static str> {
    meaning(HEADER, name)
}

fn meaning(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(known, _)| *known == name).map(|(_, meaning)| *meaning)
}
