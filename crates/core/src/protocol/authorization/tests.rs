use super::*;
use crate::ErrorKind;
use crate::advice::Advice;
use crate::profile::{ConfigFile, Endpoints};

fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
    list.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect()
}

fn server(issuer: Option<&str>, promises_iss: bool) -> AuthorizationServer {
    AuthorizationServer {
        issuer: issuer.map(str::to_owned),
        endpoints: Endpoints::default(),
        code_challenge_methods: None,
        iss_parameter_supported: promises_iss,
        require_par: false,
        require_signed_request: false,
        request_algs: Vec::new(),
        id_token_algs: Vec::new(),
        token_auth_methods: Vec::new(),
        token_auth_algs: Vec::new(),
        mtls_endpoints: Endpoints::default(),
        scopes_supported: Vec::new(),
        client_id_metadata_documents: false,
        ignored_endpoints: Vec::new(),
    }
}

fn profile(more: &str) -> Profile {
    let text = format!("[profiles.p]\nclient_id = \"c\"\nissuer = \"https://s.example\"\n{more}");
    let config = ConfigFile::of_text("config.toml".as_ref(), &text).parse().unwrap();
    config.profile("p").unwrap().clone()
}

#[test]
fn endpoint_s_own_query_stays_as_it_is_written() {
    let more = pairs(&[("scope", "a+b &ü"), ("x", "")]);
    let encoded = "scope=a%2Bb%20%26%C3%BC&x=";
    for (endpoint, expected) in [
        ("https://s/a", format!("https://s/a?{encoded}")),
        ("https://s/a?t=a%2Fb&x=%20", format!("https://s/a?t=a%2Fb&x=%20&{encoded}")),
        ("https://s/a?", format!("https://s/a?{encoded}")),
        ("https://s/a?t=1&", format!("https://s/a?t=1&{encoded}")),
    ] {
        assert_eq!(url(endpoint, &more), expected);
    }
    let parsed = url::Url::parse(&url("https://s/a", &more)).unwrap();
    let read: Vec<_> = parsed.query_pairs().into_owned().collect();
    assert_eq!(read, more);
}

#[test]
fn parameters_of_the_attempt_override_the_profile() {
    let profile = profile(
        "scopes = [\"x\", \"y\"]\nscope_separator = \",\"\nscope_param = \"user_scope\"\naudience = \"api\"\nresource = [\"https://r/1\", \"https://r/2\"]\nauthorization_params = { prompt = \"consent\", access_type = \"offline\" }\n",
    );
    let extra = pairs(&[("prompt", "select_account")]);
    let request = AuthorizationRequest {
        redirect_uri: "http://127.0.0.1:1/callback",
        state: "S",
        nonce: Some("N"),
        code_challenge: Some("C"),
        dpop_jkt: None,
        scopes: &profile.scopes,
        extra: &extra,
    };
    let given = request.parameters(&profile);
    let all = |name: &str| -> Vec<&str> {
        given.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect()
    };
    assert_eq!(all("response_type"), ["code"]);
    assert_eq!(all("user_scope"), ["x,y"]);
    assert_eq!(all("scope"), [""; 0]);
    assert_eq!(all("code_challenge_method"), ["S256"]);
    assert_eq!(all("resource"), ["https://r/1", "https://r/2"]);
    assert_eq!(all("audience"), ["api"]);
    assert_eq!(all("prompt"), ["select_account"]);
    assert_eq!(all("access_type"), ["offline"]);
}

const ISSUER: &str = "https://s.example";

#[test]
fn response_with_another_state_is_not_ours() {
    let server = server(Some(ISSUER), false);
    for state in ["", "S ", "s", "SS", " S", "T"] {
        for rest in [("code", "c"), ("error", "access_denied")] {
            let validated = validate(&pairs(&[rest, ("state", state)]), "S", &server);
            assert!(
                matches!(validated, Validation::NotOurs(_)),
                "{state:?} {rest:?}: {validated:?}"
            );
        }
    }
    for list in [
        &[("code", "c")][..],
        &[("code", "c"), ("state", "S"), ("state", "S")],
        &[("code", "a"), ("code", "a"), ("state", "S")],
        &[("code", "a"), ("error", "access_denied"), ("state", "S")],
        &[("error", "a"), ("error", "a"), ("state", "S")],
    ] {
        let validated = validate(&pairs(list), "S", &server);
        assert!(matches!(validated, Validation::NotOurs(_)), "{list:?}: {validated:?}");
    }
}

#[test]
fn issuer_is_compared_byte_for_byte_first() {
    for (promised, iss, fits) in [
        (false, None, true),
        (true, None, false),
        (true, Some(ISSUER), true),
        (false, Some("https://s.example/"), false),
        (false, Some("https://S.example"), false),
        (false, Some("https://s.example:443"), false),
        (false, Some("https://evil.example"), false),
        (false, Some(""), false),
    ] {
        for rest in [("code", "CANARY"), ("error", "CANARY")] {
            let mut list = vec![("state", "S"), rest];
            list.extend(iss.map(|iss| ("iss", iss)));
            match validate(&pairs(&list), "S", &server(Some(ISSUER), promised)) {
                Validation::Code(_) => assert!(fits && rest.0 == "code", "{list:?}"),
                Validation::Failed(error) if fits || (rest.0 == "error" && iss.is_none()) => {
                    assert_eq!((rest.0, error.kind()), ("error", ErrorKind::ServerRefused));
                }
                Validation::Failed(error) => {
                    assert_eq!(error.kind(), ErrorKind::Validation, "{list:?}");
                    assert!(!format!("{error:?}").contains("CANARY"), "{error:?}");
                }
                Validation::NotOurs(why) => panic!("{list:?}: {why}"),
            }
        }
    }
    let twice = pairs(&[("state", "S"), ("code", "c"), ("iss", ISSUER), ("iss", ISSUER)]);
    assert!(matches!(validate(&twice, "S", &server(Some(ISSUER), true)), Validation::Failed(_)));
}

#[test]
fn denial_is_told_from_a_failure() {
    for (code, kind) in [
        ("access_denied", ErrorKind::AccessDenied),
        ("invalid_scope", ErrorKind::ServerRefused),
        ("server_error", ErrorKind::Unavailable),
        ("temporarily_unavailable", ErrorKind::Unavailable),
    ] {
        let list = pairs(&[("state", "S"), ("error", code), ("error_description", "why\u{1b}[2J")]);
        let Validation::Failed(error) = validate(&list, "S", &server(None, false)) else {
            panic!("{code} is no failure");
        };
        assert_eq!(error.kind(), kind);
        assert!(error.message().contains("why") && !error.message().contains('\u{1b}'));
    }
    let neither =
        validate(&pairs(&[("state", "S"), ("access_token", "X")]), "S", &server(None, false));
    assert!(matches!(neither, Validation::Failed(error) if error.kind() == ErrorKind::Validation));
}

#[test]
fn error_without_the_promised_iss_ends_by_its_code() {
    let server = server(Some(ISSUER), true);
    for (code, kind) in [
        ("access_denied", ErrorKind::AccessDenied),
        ("invalid_scope", ErrorKind::ServerRefused),
        ("server_error", ErrorKind::Unavailable),
    ] {
        let mut list = vec![("state", "S"), ("error", code), ("error_description", "CANARY")];
        let Validation::Failed(error) = validate(&pairs(&list), "S", &server) else {
            panic!("{code} is no failure");
        };
        assert_eq!(error.kind(), kind);
        assert_eq!(error.oauth_error().unwrap().code, code);
        assert!(!format!("{error:?}").contains("CANARY"), "{error:?}");
        for iss in ["", "https://evil.example"] {
            list.push(("iss", iss));
            let Validation::Failed(error) = validate(&pairs(&list), "S", &server) else {
                panic!("{iss} is no failure");
            };
            assert_eq!(error.kind(), ErrorKind::Validation, "{iss}");
            assert!(error.oauth_error().is_none(), "{error:?}");
            assert!(!format!("{error:?}").contains("CANARY"), "{error:?}");
            list.pop();
        }
    }
}

#[test]
fn doubled_or_odd_description_does_not_matter() {
    let list = pairs(&[
        ("state", "S"),
        ("error", "access_denied"),
        ("error_description", "one\r\ntwo\u{85}\u{202e}"),
        ("error_description", "three"),
    ]);
    let Validation::Failed(error) = validate(&list, "S", &server(Some(ISSUER), false)) else {
        panic!("it is no failure");
    };
    assert_eq!(error.kind(), ErrorKind::AccessDenied);
    assert_eq!(error.oauth_error().unwrap().description.as_deref(), Some("one  two"));
}

#[test]
fn expired_pushed_request_advises_to_start_again() {
    let list = pairs(&[("state", "S"), ("error", "invalid_request_uri")]);
    let Validation::Failed(error) = validate(&list, "S", &server(None, false)) else {
        panic!("it is no failure");
    };
    assert_eq!(error.kind(), ErrorKind::ServerRefused);
    assert!(error.advice().ends_with(&[Advice::StartAgain]), "{error:?}");
}

#[test]
fn without_issuer_iss_must_match_an_endpoint() {
    let mut server = server(None, false);
    server.endpoints.authorization = Some("https://s.example/authorize".to_owned());
    server.endpoints.token = Some("https://api.s.example:8443/token".to_owned());
    for (iss, fits) in [
        ("https://s.example", true),
        ("https://s.example/tenant", true),
        ("https://s.example:443/tenant", false),
        ("https://S.example", false),
        ("blob:https://s.example", false),
        ("https://api.s.example:8443", true),
        ("https://api.s.example", false),
        ("http://s.example", false),
        ("https://s.example.evil.example", false),
        ("https://s.example@evil.example", false),
        ("s.example", false),
        ("data:,s.example", false),
        ("", false),
    ] {
        let list = pairs(&[("state", "S"), ("code", "CANARY"), ("iss", iss)]);
        match validate(&list, "S", &server) {
            Validation::Code(_) => assert!(fits, "{iss}"),
            Validation::Failed(error) => {
                assert!(!fits && error.kind() == ErrorKind::Validation, "{iss}: {error}");
                assert!(error.advice_text().unwrap().contains("issuer = "), "{error:?}");
            }
            Validation::NotOurs(why) => panic!("{iss}: {why}"),
        }
    }
}
