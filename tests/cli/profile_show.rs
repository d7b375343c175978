//! `profile show`: only what applies, with its effective value.

use serde_json::{Value, json};

use crate::support::shapes::set;
use crate::support::{Home, Scripted};

fn shown(home: &Home, name: &str) -> Value {
    home.run(["profile", "show", name, "--json"]).ok().json()
}

#[test]
fn profile_show_omits_what_the_grant_does_not_use() {
    let home = Home::new();
    let head = |name: &str| {
        format!("[profiles.{name}]\nissuer = \"https://as.example\"\nclient_id = \"c\"\n")
    };
    let grants = [
        ("authorization_code", ""),
        ("device_code", ""),
        ("ciba", "login_hint = \"ada\"\n"),
        ("client_credentials", "client_secret = { env = \"S\" }\n"),
        ("jwt_bearer", "private_key = { file = \"key.pem\" }\n"),
        ("token_exchange", "subject_token = { env = \"T\" }\n"),
        ("id_jag", "idp = \"authorization_code\"\n"),
        ("password", "username = \"ada\"\npassword = { env = \"P\" }\n"),
    ];
    let profile = |(grant, more): &(&str, &str)| {
        let params = "authorization_params = { prompt = \"consent\" }";
        format!("{}grant = \"{grant}\"\n{params}\n{more}", head(grant))
    };
    home.config(&grants.iter().map(profile).collect::<String>());
    for (grant, _) in grants {
        let shown = shown(&home, grant);
        assert_eq!(shown["grant"], grant);
        for key in ["redirect_uri", "pkce", "par", "jar", "flow"] {
            assert_eq!(shown[key].is_null(), grant != "authorization_code", "{key}: {shown}");
        }
        let is_login = ["authorization_code", "device_code", "ciba"].contains(&grant);
        for key in ["authorization_params", "timeout"] {
            assert_eq!(shown[key].is_null(), !is_login, "{key}: {shown}");
        }
        for key in ["client_id", "client_auth", "token_request", "min_ttl", "store"] {
            assert!(!shown[key].is_null(), "{grant}: {key}: {shown}");
        }
    }
}

#[test]
fn profile_show_has_the_client_auth_in_use() {
    let (server, home) = (Scripted::start(), Home::new());
    let methods = json!(["none", "client_secret_post"]);
    server.reply("metadata", &set("token_endpoint_auth_methods_supported", methods));
    let profile = |name: &str, issuer: &str, more: &str| {
        format!("[profiles.{name}]\nissuer = \"{issuer}\"\nclient_id = \"c\"\n{more}\n")
    };
    let secret = "client_secret = { env = \"S\" }";
    let there = "https://as.example";
    home.config(
        &[
            profile("public", there, ""),
            profile("secret", there, secret),
            profile("key", there, "private_key = { file = \"key.pem\" }"),
            profile("set", there, &format!("client_auth = \"client_secret_jwt\"\n{secret}")),
            profile("here", server.issuer(), &format!("grant = \"client_credentials\"\n{secret}")),
        ]
        .concat(),
    );
    for (name, method) in [
        ("public", "none"),
        ("secret", "client_secret_basic"),
        ("key", "private_key_jwt"),
        ("set", "client_secret_jwt"),
        ("here", "client_secret_basic"),
    ] {
        assert_eq!(shown(&home, name)["client_auth"], method, "{name}");
    }
    // What the metadata lists decides once it is known.
    let mut command = home.command(["token", "here"]);
    assert!(command.env("S", "secret").output().unwrap().status.success());
    assert_eq!(shown(&home, "here")["client_auth"], "client_secret_post");
}
