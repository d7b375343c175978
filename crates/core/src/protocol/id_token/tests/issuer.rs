//! Issuers of many tenants.

use super::*;

/// The rule of a server with many tenants: the issuer is that of the token's own tenant.
#[test]
fn issuer_of_many_tenants_is_the_tokens_own() {
    let template = "https://login.example/{tenantid}/v2.0";
    let expected = Expectations { issuer: Some(Issuer::OfTenant(template)), ..expectations() };
    let of = |iss: Value, tid: Value| {
        let mut claims = with("iss", iss);
        claims["tid"] = tid;
        claims
    };
    let id = "9188040d-6c67-4c5b-b112-36a304b66dad";
    let own = format!("https://login.example/{id}/v2.0");
    let claims = validate_claims(&of(json!(own), json!(id)), &expected).unwrap();
    assert_eq!(claims.pinned().iss, own);
    for (what, iss, tid, part) in [
        (
            "another tenant",
            json!(own),
            json!("other"),
            "expected `https://login.example/other/v2.0`",
        ),
        ("the template", json!(template), json!("{tenantid}"), "`tid` is `{tenantid}`"),
        ("no tenant", json!(own), Value::Null, "no `tid`"),
        ("another host", json!("https://evil.example/a/v2.0"), json!("a"), "`iss` is"),
        ("a path", json!("https://login.example/a/../b/v2.0"), json!("a/../b"), "`tid` is"),
        ("a list", json!(own), json!([id]), "`tid` is an array"),
    ] {
        assert_refused(validate_claims(&of(iss, tid), &expected), what, part);
    }
    assert_refused(validate_claims(&of(json!(own), json!(id)), &expectations()), "exact", "`iss`");
}

/// A key that is one tenant's signs for no other.
#[test]
fn key_of_a_tenant_signs_for_it_alone() {
    let template = "https://login.example/{tenantid}/v2.0";
    let (all, one) = (TestKey::p256(), TestKey::p256());
    let set = keys(&[
        all.jwk(json!({"kid": "all", "issuer": template})),
        one.jwk(json!({"kid": "one", "issuer": "https://login.example/1/v2.0"})),
    ]);
    let expected = Expectations { issuer: Some(Issuer::OfTenant(template)), ..expectations() };
    let validate = |key: &TestKey, kid: &str, tid: &str| {
        let mut claims = with("iss", json!(format!("https://login.example/{tid}/v2.0")));
        claims["tid"] = json!(tid);
        let header = json!({"alg": "ES256", "kid": kid});
        validate_with(&Secret::new(key.sign(Algorithm::ES256, &header, &claims)), &expected, &set)
    };
    assert!(validate(&all, "all", "1").is_ok());
    assert!(validate(&all, "all", "2").is_ok());
    assert!(validate(&one, "one", "1").is_ok());
    assert_refused(validate(&one, "one", "2"), "another's", "does not publish");
}
