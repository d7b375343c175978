//! Grants without a user: service accounts, token exchange, identity assertions, passwords. The server
//! verifies every signature with a library that the project did not write.

use serde_json::{Value, json};

use crate::support::{Home, Machines, Output, Servers, assert_no_secret, assert_not_shown};

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";
const EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const TYPE: &str = "urn:ietf:params:oauth:token-type:";

struct Scene {
    server: Machines,
    home: Home,
}

impl Scene {
    /// A server, and a configuration with these profiles; `ISSUER` stands for the issuer.
    fn new(profiles: &str) -> Self {
        let (server, home) = (Servers::machines(), Home::new());
        home.config(&profiles.replace("ISSUER", &server.issuer));
        home.write(&home.path("config/oauthctl/key.json"), &server.service_account);
        Self { server, home }
    }

    #[track_caller]
    fn token(&self, profile: &str) -> Output {
        self.home.run(["token", "-p", profile])
    }

    /// The parameters of the last token request.
    #[track_caller]
    fn last(&self) -> Value {
        self.server.requests().pop().unwrap()["form"].clone()
    }

    #[track_caller]
    fn count(&self, grant_type: &str) -> usize {
        let all = self.server.requests();
        all.iter().filter(|request| request["form"]["grant_type"] == grant_type).count()
    }
}

const ROBOT: &str = "[profiles.robot]\ngrant = \"jwt_bearer\"\nservice_account = { file = \"key.json\" }\n\
    scopes = [\"https://www.example/auth/cloud\", \"b\"]\n";

#[test]
fn downloaded_service_account_gets_a_token() {
    let scene = Scene::new(ROBOT);
    let token = scene.token("robot").ok().line().to_owned();
    assert!(token.starts_with("token-of-robot@project"), "{token}");
    let form = scene.last();
    assert_eq!(form["grant_type"], JWT_BEARER);
    assert_eq!(form.as_object().unwrap().len(), 2, "Google documents these two: {form}");
    assert_eq!(scene.token("robot").ok().line(), token);
    assert_eq!(scene.server.requests().len(), 1);
    let status = scene.home.run(["status", "robot", "--json"]).ok().json();
    assert!(status[0]["identity"].to_string().contains("robot@project"), "{status}");
    let key: Value = serde_json::from_str(&scene.server.service_account).unwrap();
    let secret = key["private_key"].as_str().unwrap().lines().nth(3).unwrap().to_owned();
    let traced = scene.home.run(["token", "-p", "robot", "--force-refresh", "--trace"]).ok();
    assert_not_shown(&traced.stderr, [&secret, &form["assertion"].as_str().unwrap().to_owned()]);
    let shown = scene.home.run(["profile", "show", "robot"]).ok();
    assert!(shown.stdout.contains("key.json"), "{}", shown.stdout);
}

#[test]
fn service_account_subject_and_scopes_are_signed() {
    let scene = Scene::new(&format!("{ROBOT}token_params = {{ sub = \"ada@example.com\" }}\n"));
    let token = scene.home.run(["token", "-p", "robot", "--scope", "c d", "--json"]).ok().json();
    assert!(token["access_token"].as_str().unwrap().starts_with("token-of-ada@example.com"));
    assert_eq!(token["scope"], "c d");
}

#[test]
fn unusable_service_account_file_is_config() {
    let scene = Scene::new(ROBOT);
    let path = scene.home.path("config/oauthctl/key.json");
    for (text, why) in [
        ("", "is empty"),
        ("{\"type\":\"authorized_user\"}", "`authorized_user`"),
        (
            "{\"client_email\":\"x@y\",\"token_uri\":\"http://evil.example/\"}",
            "`token_uri` that must",
        ),
        ("not json", "not the JSON file"),
    ] {
        scene.home.write(&path, text);
        let refused = scene.token("robot").fails(3);
        assert!(refused.stderr.contains(why), "{why}: {}", refused.stderr);
    }
    assert!(scene.server.requests().is_empty());
}

#[test]
fn twenty_processes_and_a_chain_make_one_request_each() {
    let scene = Scene::new(
        "[profiles.svc]\nissuer = \"ISSUER\"\nclient_id = \"svc\"\n\
         client_secret = \"a secret of svc\"\ngrant = \"client_credentials\"\n\
         [profiles.api]\nissuer = \"ISSUER\"\nclient_id = \"public\"\ngrant = \"token_exchange\"\n\
         subject_token = { profile = \"svc\" }\naudience = \"api\"\nresource = [\"https://api.example\"]\n",
    );
    scene.server.set(&json!({ "delayMs": 200 }));
    let all = scene.home.run_many(20, &["token", "-p", "api"]);
    let mut tokens: Vec<String> = all.into_iter().map(|one| one.ok().line().to_owned()).collect();
    tokens.dedup();
    assert_eq!(tokens.len(), 1, "{tokens:?}");
    assert_eq!((scene.count("client_credentials"), scene.count(EXCHANGE)), (1, 1));
    let form = scene.last();
    let svc = scene.token("svc").ok();
    assert_eq!(form["subject_token"], svc.line());
    assert_eq!(form["subject_token_type"], format!("{TYPE}access_token"));
    assert_eq!(
        (&form["audience"], &form["resource"]),
        (&json!("api"), &json!("https://api.example"))
    );
    assert_eq!(scene.server.requests().len(), 2);
    assert_no_secret(&scene.home, [svc.line().to_owned(), tokens.pop().unwrap()]);
}

#[test]
fn exchanged_token_is_renewed_with_its_source() {
    let scene = Scene::new(
        "[profiles.svc]\nissuer = \"ISSUER\"\nclient_id = \"svc\"\n\
         client_secret = \"a secret of svc\"\ngrant = \"client_credentials\"\n\
         [profiles.api]\nissuer = \"ISSUER\"\nclient_id = \"public\"\ngrant = \"token_exchange\"\n\
         subject_token = { profile = \"svc\" }\n",
    );
    scene.server.set(&json!({ "ttl": 1 }));
    let first = scene.token("api").ok().line().to_owned();
    let again = scene.home.run(["token", "-p", "api", "--min-ttl", "2s"]).ok().line().to_owned();
    assert_ne!(first, again);
    assert_eq!(scene.count(EXCHANGE), 2);
}

#[test]
fn subject_and_actor_tokens_come_from_anywhere() {
    let jwt = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJhZGEifQ.c2ln";
    let mut scene = Scene::new(&format!(
        "[profiles.x]\nissuer = \"ISSUER\"\nclient_id = \"public\"\ngrant = \"token_exchange\"\n\
         subject_token = {{ file = \"subject.jwt\" }}\nactor_token = {{ env = \"ACTOR\" }}\n\
         actor_token_type = \"urn:example:actor\"\nrequested_token_type = \"access_token\"\n\
         [profiles.y]\nissuer = \"ISSUER\"\nclient_id = \"public\"\ngrant = \"token_exchange\"\n\
         subject_token = {{ command = [\"echo\", {jwt:?}] }}\nsubject_token_type = \"saml2\"\n\
         requested_token_type = \"jwt\"\n"
    ));
    scene.home.write(&scene.home.path("config/oauthctl/subject.jwt"), &format!("{jwt}\n"));
    scene.home.set("ACTOR", "opaque-actor");
    scene.token("x").ok();
    let form = scene.last();
    assert_eq!(form["subject_token"], jwt);
    assert_eq!(form["subject_token_type"], format!("{TYPE}jwt"));
    assert_eq!(form["actor_token"], "opaque-actor");
    assert_eq!(form["actor_token_type"], "urn:example:actor");
    assert_eq!(form["requested_token_type"], format!("{TYPE}access_token"));
    let issued = scene.home.run(["token", "-p", "y", "--json"]).ok().json();
    assert_eq!(issued["token_type"], "N_A");
    let form = scene.last();
    assert_eq!(form["subject_token_type"], format!("{TYPE}saml2"));
    let header = scene.home.run(["token", "-p", "y", "--format", "header"]).fails(2);
    assert!(header.stderr.contains("not an access token"), "{}", header.stderr);
    let printed = scene.home.run(["token", "-p", "y", "--format", "token"]).ok();
    assert_eq!(issued["access_token"], printed.line());
    scene.home.set("ACTOR", "two words");
    scene.home.run(["token", "-p", "x", "--force-refresh"]).fails(3);
    scene.home.unset("ACTOR");
    let unset = scene.home.run(["token", "-p", "x", "--force-refresh"]).fails(3);
    assert!(unset.stderr.contains("ACTOR"), "{}", unset.stderr);
}

#[test]
fn source_without_a_login_is_login_required() {
    let scene = Scene::new(
        "[profiles.me]\nissuer = \"ISSUER\"\nauthorization_endpoint = \"ISSUER/authorize\"\n\
         client_id = \"public\"\n\
         [profiles.api]\nissuer = \"ISSUER\"\nclient_id = \"public\"\ngrant = \"token_exchange\"\n\
         subject_token = { profile = \"me\" }\n",
    );
    let refused = scene.token("api").fails(4);
    assert!(refused.stderr.contains("oauthctl login me"), "{}", refused.stderr);
    assert!(scene.server.requests().is_empty());
}

#[test]
fn identity_assertion_reaches_the_resource_server() {
    let idp = Servers::oidc_provider();
    let mut scene = Scene::new(&format!(
        "[profiles.corp]\nissuer = {:?}\nclient_id = \"cli\"\nscopes = [\"openid\"]\n\
         [profiles.wiki]\nissuer = \"ISSUER\"\nclient_id = \"svc\"\ngrant = \"id_jag\"\n\
         client_secret = \"a secret of svc\"\nidp = \"corp\"\nscopes = [\"read\"]\n\
         resource = [\"https://wiki.example/mcp\"]\n",
        idp.issuer
    ));
    scene.server.set(&json!({ "idp": idp.issuer }));
    let refused = scene.token("wiki").fails(4);
    assert!(refused.stderr.contains("oauthctl login corp"), "{}", refused.stderr);
    scene.home.login("corp");
    let all = scene.home.run_many(20, &["token", "-p", "wiki"]);
    let mut tokens: Vec<String> = all.into_iter().map(|one| one.ok().line().to_owned()).collect();
    tokens.dedup();
    assert_eq!((tokens.len(), idp.count(EXCHANGE), scene.count(JWT_BEARER)), (1, 1, 1));
    assert!(tokens[0].starts_with("token-of-alice"), "{tokens:?}");
    let form = scene.last();
    assert_eq!((&form["audience"], &form["subject_token"]), (&Value::Null, &Value::Null));
    let json = scene.home.run(["token", "-p", "wiki", "--json"]).ok().json();
    assert_eq!(json["scope"], "read");
    assert_no_secret(&scene.home, [form["assertion"].as_str().unwrap().to_owned()]);
}

#[test]
fn identity_assertion_of_another_kind_goes_nowhere() {
    let idp = Servers::oidc_provider();
    let mut scene = Scene::new(&format!(
        "[profiles.corp]\nissuer = {:?}\nclient_id = \"cli\"\nscopes = [\"openid\"]\n\
         [profiles.wiki]\nissuer = \"ISSUER\"\nclient_id = \"public\"\ngrant = \"id_jag\"\n\
         idp = \"corp\"\n",
        idp.issuer
    ));
    scene.home.login("corp");
    for (members, why) in [
        (json!({ "issued_token_type": format!("{TYPE}access_token") }), "`issued_token_type`"),
        (json!({ "issued_token_type": null }), "`issued_token_type`"),
        (json!({ "access_token": "a\nb" }), "`access_token`"),
        (json!({ "access_token": null }), "`access_token`"),
    ] {
        idp.control.post("/assertion", &members);
        let refused = scene.token("wiki").fails(7);
        assert!(refused.stderr.contains(why), "{members}: {}", refused.stderr);
    }
    idp.control.post("/assertion", &json!({ "error": "access_denied" }));
    let denied = scene.token("wiki").fails(5);
    assert!(denied.stderr.contains("`corp`"), "{}", denied.stderr);
    assert!(scene.server.requests().is_empty());
}

#[test]
fn id_token_is_not_exchanged_at_another_server() {
    let (elsewhere, idp) = (Servers::machines(), Servers::oidc_provider());
    let corp = format!(
        "[profiles.corp]\nissuer = {:?}\nclient_id = \"cli\"\nscopes = [\"openid\"]\n",
        idp.issuer
    );
    let wiki = "[profiles.wiki]\nissuer = \"ISSUER\"\nclient_id = \"public\"\ngrant = \"id_jag\"\n\
        idp = \"corp\"\n";
    let mut scene = Scene::new(&format!("{corp}{wiki}"));
    scene.home.login("corp");
    let moved = format!("{corp}token_endpoint = \"{}/token\"\n{wiki}", elsewhere.issuer);
    scene.home.config(&moved.replace("ISSUER", &scene.server.issuer));
    let refused = scene.token("wiki").fails(4);
    assert!(refused.stderr.contains("different server"), "{}", refused.stderr);
    assert!(elsewhere.requests().is_empty() && scene.server.requests().is_empty());
}

#[test]
fn id_token_of_a_former_client_is_not_exchanged() {
    let idp = Servers::oidc_provider();
    let profiles = |client: &str| {
        format!(
            "[profiles.corp]\nissuer = {:?}\nclient_id = {client:?}\nscopes = [\"openid\"]\n\
             [profiles.wiki]\nissuer = \"ISSUER\"\nclient_id = \"public\"\ngrant = \"id_jag\"\n\
             idp = \"corp\"\n",
            idp.issuer
        )
    };
    let mut scene = Scene::new(&profiles("cli"));
    scene.server.set(&json!({ "idp": idp.issuer }));
    scene.home.login("corp");
    let issuer = scene.server.issuer.clone();
    scene.home.config(&profiles("other").replace("ISSUER", &issuer));
    let refused = scene.token("wiki").fails(4);
    assert!(refused.stderr.contains("the client was cli and is now other"), "{}", refused.stderr);
    assert!(idp.count(EXCHANGE) == 0 && scene.server.requests().is_empty());
    scene.home.config(&profiles("cli").replace("ISSUER", &issuer));
    scene.token("wiki").ok();
    assert_eq!(idp.count(EXCHANGE), 1);
}

#[test]
fn password_is_sent_with_a_warning_and_renewed() {
    let mut scene = Scene::new(
        "[profiles.old]\nissuer = \"ISSUER\"\nclient_id = \"public\"\ngrant = \"password\"\n\
         username = \"ada\"\npassword = { env = \"ADAS\" }\n",
    );
    scene.server.set(&json!({ "refresh": true }));
    scene.home.set("ADAS", "correct horse");
    let login = scene.home.run(["login", "old"]).ok();
    assert!(login.stderr.contains("warning: "), "{}", login.stderr);
    scene.token("old").ok();
    assert_eq!(scene.server.requests().len(), 1);
    // The refresh token has ended: the password is sent again.
    scene.home.run(["token", "-p", "old", "--force-refresh"]).ok();
    assert_eq!((scene.count("refresh_token"), scene.count("password")), (1, 2));
    scene.home.set("ADAS", "wrong");
    let refused = scene.home.run(["token", "-p", "old", "--force-refresh"]).fails(4);
    assert!(refused.stderr.contains("check `username` and `password`"), "{}", refused.stderr);
    assert_no_secret(&scene.home, ["correct horse".to_owned()]);
}

#[test]
fn id_token_of_a_grant_without_a_user_is_kept() {
    let scene = Scene::new(
        "[profiles.old]\nissuer = \"ISSUER\"\nclient_id = \"public\"\ngrant = \"password\"\n\
         username = \"ada\"\npassword = { env = \"ADAS\" }\n\
         [profiles.api]\nissuer = \"ISSUER\"\nclient_id = \"public\"\ngrant = \"token_exchange\"\n\
         subject_token = { profile = \"old\" }\n\
         [profiles.signed]\nissuer = \"ISSUER\"\nclient_id = \"public\"\ngrant = \"jwt_bearer\"\n\
         service_account = { file = \"key.json\" }\nscopes = [\"a\"]\n",
    );
    scene.server.set(&json!({ "idToken": { "email": "ada@example.com" } }));
    let mut scene = scene;
    scene.home.set("ADAS", "correct horse");
    for profile in ["old", "api", "signed"] {
        let token = scene.home.run(["token", "-p", profile, "--id-token"]).ok().line().to_owned();
        assert_eq!(token.split('.').count(), 3, "{profile}: {token}");
        let count = scene.server.requests().len();
        let json = scene.home.run(["token", "-p", profile, "--json"]).ok().json();
        assert_eq!(json["id_token"], token, "{profile}");
        let again = scene.home.run(["token", "-p", profile, "--id-token"]).ok();
        assert_eq!((again.line(), scene.server.requests().len()), (token.as_str(), count));
        let status = scene.home.run(["status", profile, "--json"]).ok().json();
        assert_eq!(status[0]["identity"]["email"], "ada@example.com", "{profile}: {status}");
        assert_no_secret(&scene.home, [token]);
    }
}

#[test]
fn invalid_id_token_costs_no_access_token() {
    let scene = Scene::new(
        "[profiles.old]\nissuer = \"ISSUER\"\nclient_id = \"public\"\ngrant = \"password\"\n\
         username = \"ada\"\npassword = { env = \"ADAS\" }\n",
    );
    let mut scene = scene;
    scene.home.set("ADAS", "correct horse");
    for wrong in [json!({ "aud": "other" }), json!({ "iss": "https://other.example" })] {
        scene.server.set(&json!({ "idToken": wrong }));
        let output = scene.home.run(["token", "-p", "old", "--force-refresh"]).ok();
        assert!(output.line().starts_with("token-of-ada"), "{}", output.stdout);
        assert!(output.stderr.contains("the id_token was dropped"), "{}", output.stderr);
        assert_eq!(scene.token("old").ok().line(), output.line());
        scene.home.run(["token", "-p", "old", "--id-token"]).fails(4);
    }
}
