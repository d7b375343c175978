//! The operator's pages.

use reqwest::Response;
use reqwest::header::SET_COOKIE;
use serde_json::json;

use crate::pages::{HOSTILE, in_browser};
use crate::support::{Broker, Browser, Home, client, provider};

pub const KEY: &str = "an-admin-key-of-thirty-two-bytes";

pub fn serve(home: &Home) -> Broker {
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    Broker::start(command.env("OAUTHCTL_ADMIN_KEY", KEY))
}

pub async fn post(url: &str, cookie: &str, form: &str) -> Response {
    let request = client().post(url).header("cookie", cookie);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    request.body(form.to_owned()).send().await.unwrap()
}

pub async fn get(url: &str, cookie: &str) -> (u16, String) {
    let response = client().get(url).header("cookie", cookie).send().await.unwrap();
    (response.status().as_u16(), response.text().await.unwrap())
}

/// Signs in, and returns the cookie.
pub async fn sign_in(broker: &Broker) -> String {
    let response = post(&format!("{}/admin/login", broker.url), "", &format!("key={KEY}")).await;
    assert_eq!(response.status(), 303);
    let cookie = response.headers()[SET_COOKIE].to_str().unwrap();
    assert!(cookie.contains("SameSite=Strict") && cookie.contains("HttpOnly"), "{cookie}");
    cookie.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn admin_page_does_not_exist_without_a_key() {
    let home = Home::new();
    let broker = home.serve(&[]);
    for path in ["/admin", "/admin/tenants/acme"] {
        assert_eq!(get(&format!("{}{path}", broker.url), "").await.0, 404, "{path}");
    }
    for path in ["/admin/login", "/admin/logout", "/admin/tenants/acme"] {
        let url = format!("{}{path}", broker.url);
        assert_eq!(post(&url, "", "key=&csrf=&action=disable").await.status(), 404, "{path}");
    }
    let mut short = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    let refused = short.env("OAUTHCTL_ADMIN_KEY", "guessable").output().unwrap();
    assert_eq!(refused.status.code(), Some(3));
}

#[tokio::test]
async fn admin_page_is_for_who_has_the_key_alone() {
    let home = Home::new();
    let broker = serve(&home);
    home.tenant("acme", &[]);
    let (admin, login) = (format!("{}/admin", broker.url), format!("{}/admin/login", broker.url));
    let tenant = format!("{admin}/tenants/acme");
    for form in ["", "key=", "key=x", &format!("key={KEY}x"), &format!("key={KEY}&key={KEY}")] {
        let refused = post(&login, "", form).await;
        assert_eq!(refused.status(), 403, "{form}");
        assert!(refused.headers().get(SET_COOKIE).is_none());
    }
    let cookie = sign_in(&broker).await;
    let (name, session) = cookie.split_once('=').unwrap();
    let (ends, proof) = session.split_once('.').unwrap();
    let later = ends.parse::<u64>().unwrap() + 1;
    for forged in [String::new(), "x".to_owned(), format!("{later}.{proof}"), format!("{ends}.")] {
        let (status, page) = get(&tenant, &format!("{name}={forged}")).await;
        assert_eq!(status, 200);
        assert!(page.contains("Admin key") && !page.contains("acme"), "{forged}: {page}");
    }
    let (_, page) = get(&admin, &cookie).await;
    assert!(page.contains("acme"), "{page}");
    assert!(!page.contains(KEY), "{page}");
    // The key of another installation, or another key of this one, ends the session.
    drop(broker);
    let mut command = home.command(&["serve", "--listen", "127.0.0.1:0"]);
    let broker = Broker::start(command.env("OAUTHCTL_ADMIN_KEY", KEY.to_uppercase()));
    let (_, page) = get(&format!("{}/admin", broker.url), &cookie).await;
    assert!(page.contains("Admin key"), "{page}");
}

#[tokio::test]
async fn form_without_the_token_of_the_session_is_refused() {
    let home = Home::new();
    let broker = serve(&home);
    let api = broker.api(&home.tenant("acme", &[]));
    let tenant = format!("{}/admin/tenants/acme", broker.url);
    let cookie = sign_in(&broker).await;
    let csrf = csrf_of(&get(&tenant, &cookie).await.1);
    for form in [
        "action=disable",
        "csrf=&action=disable",
        "csrf=x&action=disable",
        &format!("csrf={csrf}&csrf={csrf}&action=disable"),
        &format!("csrf={csrf}&action=delete"),
    ] {
        assert_eq!(post(&tenant, &cookie, form).await.status(), 403, "{form}");
    }
    let right = format!("csrf={csrf}&action=disable");
    assert_eq!(post(&tenant, "", &right).await.status(), 200, "the form asks for the key");
    api.get("/v1/connections").await.json(200);
    assert_eq!(post(&tenant, &cookie, &right).await.status(), 303);
    assert_eq!(api.get("/v1/connections").await.problem(403)["error"], "tenant_disabled");
    assert_eq!(post(&tenant, &cookie, &format!("csrf={csrf}&action=enable")).await.status(), 303);
    api.get("/v1/connections").await.json(200);
    let unknown = format!("{}/admin/tenants/nobody", broker.url);
    assert_eq!(post(&unknown, &cookie, &right).await.status(), 404);
}

/// The token of the forms on a page.
pub fn csrf_of(page: &str) -> String {
    let (_, rest) = page.split_once("name=\"csrf\" value=\"").unwrap_or_else(|| panic!("{page}"));
    rest.split('"').next().unwrap().to_owned()
}

#[tokio::test]
async fn session_that_was_signed_out_of_is_over() {
    let home = Home::new();
    let broker = serve(&home);
    home.tenant("acme", &[]);
    let (admin, tenant) =
        (format!("{}/admin", broker.url), format!("{}/admin/tenants/acme", broker.url));
    let (ended, other) = (sign_in(&broker).await, sign_in(&broker).await);
    let csrf = csrf_of(&get(&admin, &ended).await.1);
    let logout = format!("{admin}/logout");
    assert_eq!(post(&logout, &ended, "csrf=x").await.status(), 403);
    csrf_of(&get(&admin, &ended).await.1);
    assert_eq!(post(&logout, &ended, &format!("csrf={csrf}")).await.status(), 303);
    for url in [&admin, &tenant] {
        let (_, page) = get(url, &ended).await;
        assert!(page.contains("Admin key") && !page.contains("acme"), "{page}");
    }
    let refused = post(&tenant, &ended, &format!("csrf={csrf}&action=disable")).await;
    assert_eq!(refused.status(), 200, "the form asks for the key");
    assert!(refused.text().await.unwrap().contains("Admin key"));
    // Another session of the same operator goes on, also after a restart.
    drop(broker);
    let broker = serve(&home);
    let admin = format!("{}/admin", broker.url);
    csrf_of(&get(&admin, &other).await.1);
    assert!(get(&admin, &ended).await.1.contains("Admin key"));
}

#[tokio::test(flavor = "multi_thread")]
async fn operator_sees_errors_and_no_secret_in_a_browser() {
    let sandbox = provider().await;
    let home = Home::new();
    let broker = serve(&home);
    let key = home.json(&["tenant", "create", "acme", "--title", HOSTILE]);
    let api = broker.api(key["api_key"].as_str().unwrap());
    let dead = sandbox.issuer_with("expire-fast,refresh-invalid-grant");
    for (name, issuer) in [("sandbox", sandbox.issuer()), ("dead", &dead)] {
        let body = json!({ "issuer": issuer, "client_id": "app", "token_params": { "x": "canary-secret" } });
        api.put(&format!("/v1/providers/{name}"), &body).await.json(201);
        let link = api.link(&json!({ "provider": name, "user": HOSTILE })).await;
        assert_eq!(Browser::default().follow(&link).await.status, 200);
    }
    let path = reqwest::Url::parse_with_params("http://x", [("u", HOSTILE)]).unwrap();
    let user = path.query().unwrap().trim_start_matches("u=").replace('+', "%20");
    let token = api.token("sandbox", &user).await.json(200);
    let longer = format!("/v1/connections/dead/{user}/token?min_ttl=30m");
    api.get(&longer).await.problem(409);
    let secrets = [
        token["access_token"].as_str().unwrap().to_owned(),
        "canary-secret".to_owned(),
        KEY.to_owned(),
    ];
    let url = format!("{}/admin", broker.url);
    let text = in_browser(move |browser| {
        browser.forbid_scripts();
        browser.open(&url, "Operator sign-in");
        browser.look("admin-login");
        browser.fill("#key", KEY);
        browser.click("main button", "Overview");
        browser.is_only_text();
        browser.look("admin");
        let overview = browser.text();
        browser.click("td a", "acme");
        browser.is_only_text();
        browser.look("admin-tenant");
        browser.click("main button", "acme");
        let disabled = browser.text();
        assert!(disabled.contains("Enable acme"), "{disabled}");
        browser.click(".bar button", "Operator sign-in");
        format!("{overview}{disabled}")
    })
    .await;
    for part in [HOSTILE, "connected", "login required", "invalid_grant"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    for secret in secrets {
        assert!(!text.contains(&secret), "{text}");
    }
    api.get("/v1/connections").await.problem(403);
}
