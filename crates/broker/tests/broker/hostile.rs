//! Requests that try to get what is not theirs.

use oauthctl_sandbox::SandboxOptions;
use reqwest::Method;
use serde_json::{Value, json};

use crate::http;
use crate::support::{Browser, Home, Scene, provider, token_requests};

mod heads;
mod providers;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod rebinding;
mod reverse_proxy;

#[tokio::test]
async fn connection_of_another_tenant_is_404_on_each_route() {
    let scene = Scene::new().await;
    scene.connect().await;
    let owner = &scene.api;
    let other = scene.broker.api(&scene.home.tenant("other", &[]));
    let webhook = json!({ "url": "https://app.example/hook" });
    owner.put("/v1/webhooks/u-1", &webhook).await.json(201);
    let change = json!({ "attributes": { "a": 1 } });
    let routes = [
        (Method::GET, "/v1/providers/sandbox", None),
        (Method::DELETE, "/v1/providers/sandbox", None),
        (Method::GET, "/v1/connections/sandbox/u-1", None),
        (Method::GET, "/v1/connections/sandbox/u-1/token", None),
        (Method::PATCH, "/v1/connections/sandbox/u-1", Some(&change)),
        (Method::DELETE, "/v1/connections/sandbox/u-1", None),
        (Method::GET, "/v1/webhooks/u-1", None),
        (Method::DELETE, "/v1/webhooks/u-1", None),
    ];
    for (method, path, body) in routes {
        let foreign = other.send(method.clone(), path, body).await;
        let absent = other.send(method, &path.replace("u-1", "nobody"), body).await;
        foreign.problem(404);
        assert_eq!(foreign.text, absent.text, "{path}");
    }
    let body = json!({ "provider": "sandbox", "user": "u-1" });
    other.post("/v1/connections", &body).await.problem(404);
    other.get("/v1/connections?user=u-1&provider=sandbox").await.json(200);
    let own = json!({ "issuer": scene.sandbox.issuer(), "client_id": "other-client" });
    other.put("/v1/providers/sandbox", &own).await.json(201);
    let kept = owner.get("/v1/providers/sandbox").await.json(200);
    assert_eq!(kept["client_id"], "app");
    let listed = other.get("/v1/connections").await.json(200);
    assert_eq!(listed, json!({ "connections": [], "next_cursor": null }));
    // Its token is in memory now, and is still nobody else's.
    owner.token("sandbox", "u-1").await.json(200);
    owner.token("sandbox", "u-1").await.json(200);
    other.token("sandbox", "u-1").await.problem(404);
}

#[tokio::test]
async fn confirmation_is_of_no_use_to_another_tenant() {
    let sandbox = provider().await;
    let home = Home::new();
    let broker = home.serve(&[]);
    let back = "https://app.example/connected";
    let owner = broker.api(&home.tenant("owner", &[back]));
    let other = broker.api(&home.tenant("other", &[back]));
    for api in [&owner, &other] {
        api.provide("sandbox", sandbox.issuer()).await;
    }
    let body = json!({ "provider": "sandbox", "user": "u-1", "binding": "application", "redirect_to": back });
    let link = owner.link(&body).await;
    let callback = Browser::default().callback_of(&link).await;
    let sent = Browser::default().open(&callback).await;
    let confirmation = sent.header("location").split_once("confirmation=").unwrap().1.to_owned();
    let confirmed = json!({ "confirmation": confirmation, "user": "u-1" });
    other.post("/v1/confirmations", &confirmed).await.problem(404);
    owner.post("/v1/confirmations", &confirmed).await.json(200);
    owner.token("sandbox", "u-1").await.json(200);
}

#[tokio::test]
async fn redirect_off_the_list_is_refused_in_any_disguise() {
    let allowed = "https://app.example/done";
    let scene = Scene::with(SandboxOptions::default(), &[allowed], &[]).await;
    let api = &scene.api;
    let targets = hostile_targets();
    assert!(targets.len() >= 550, "{}", targets.len());
    for target in &targets {
        let body = json!({ "provider": "sandbox", "user": "u", "redirect_to": target });
        let answer = api.post("/v1/connections", &body).await;
        answer.problem(400);
        assert!(target.len() < 9 || !answer.text.contains(target.as_str()), "{target} is repeated");
    }
    // The same URL, written differently, is parsed to the allowed one, and only that is sent.
    for same in [allowed, "HTTPS://APP.example:443/done", "https://app.example/x/../done"] {
        let link =
            api.link(&json!({ "provider": "sandbox", "user": "u", "redirect_to": same })).await;
        let sent = Browser::default().follow(&link).await;
        assert_eq!(sent.header("location"), allowed, "{same}");
    }
}

/// URLs that are not on the list, but may look so to some parser.
fn hostile_targets() -> Vec<String> {
    let mut targets: Vec<String> = [
        "",
        "/",
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "https://app.example",
        "https://app.example/done/",
        "https://app.example/done?x",
        "https://app.example/done#x",
        "https://app.example/Done",
        "http://app.example/done",
        "https://app.example:444/done",
        "https://app.example.evil.example/done",
        "https://evil.example/done",
        "https://app.example@evil.example/done",
        "https://app.example\\@evil.example/done",
        "https://evil.example\\app.example/done",
        "https://a@app.example/done",
        "https://app.example./done",
        "https://app.example/done/../x",
        "https://app.example/%64one",
        "https://app.example/done;x",
        "https://app.example/done%00",
        "https://app.example%2f@evil.example/done",
        " https://evil.example/done",
    ]
    .map(str::to_owned)
    .into();
    for host in
        ["evil.example", "[::1]", "127.0.0.1", "app.example.", "xn--app-example", "evil。example"]
    {
        for between in ["/", "\\", "/./", "\t", "%09", "%5c", "///", ";", "@", "?", "#"] {
            for scheme in
                ["https:/", "https:", "//", "http:/", "HTTPS:/", "\thttps:/", "ftp:/", "/"]
            {
                targets.push(format!("{scheme}{between}{host}/done"));
            }
        }
    }
    targets
}

#[tokio::test]
async fn headers_and_paths_cannot_skip_authentication() {
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    let broker = home.serve(&[]);
    broker.api(&key).get("/v1/connections").await.json(200);
    let client = reqwest::Client::new();
    let headers = [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-user", "acme"),
        ("x_forwarded_for", "127.0.0.1"),
        ("forwarded", "for=127.0.0.1;host=localhost"),
        ("x-original-url", "/healthz"),
        ("x-rewrite-url", "/healthz"),
        ("user-agent", "kube-probe/1.30"),
        ("user-agent", "GoogleHC/1.0"),
        ("x-http-method-override", "GET"),
        ("authorization", &format!("Basic {key}")),
        ("authorization", "Bearer"),
        ("cookie", &format!("authorization=Bearer {key}")),
    ];
    for (name, value) in headers {
        let url = format!("{}/v1/connections", broker.url);
        let answer = client.get(url).header(name, value).send().await.unwrap();
        assert_eq!(answer.status(), 401, "{name}: {value}");
    }
    let doubled = client
        .get(format!("{}/v1/connections", broker.url))
        .header("authorization", format!("Bearer {key}"))
        .header("authorization", "Bearer x");
    assert_eq!(doubled.send().await.unwrap().status(), 401);
    for path in [
        "//v1/connections",
        "/v1//connections",
        "/./v1/connections",
        "/healthz/../v1/connections",
        "/healthz/%2e%2e/v1/connections",
        "/v1/connections;/healthz",
        "/v1%2fconnections",
        "/v1/connections/a/b/token/../../healthz",
        "/v1/connections?/healthz",
        "/V1/connections",
        "/v1/connections/%00/%ff/token",
        "/v1/connections/a/b/token%2f",
        "/v1/connections/a//token",
    ] {
        let status = raw(&broker.url, path);
        assert!([400, 401, 404].contains(&status), "{path}: {status}");
    }
}

/// Sends a path as it is, which no client library does, and returns the status.
fn raw(url: &str, path: &str) -> u16 {
    let head = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    http::exchange(url.trim_start_matches("http://"), head).unwrap().status
}

#[tokio::test]
async fn invalid_body_is_a_problem_without_echo() {
    let home = Home::new();
    let broker = home.serve(&[]);
    let key = home.tenant("acme", &[]);
    let client = reqwest::Client::new();
    let canary = "<script>canary</script>";
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let bodies = [
        String::new(),
        "{".to_owned(),
        canary.to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        deep,
        format!("{{\"{canary}\":1}}"),
        format!("{{\"provider\":\"{canary}\",\"user\":1}}"),
        "{\"provider\":\"p\",\"user\":\"u\",\"issuer\":\"https://evil.example\"}".to_owned(),
        "{\"provider\":\"p\",\"user\":\"u\",\"redirect_uri\":\"https://evil.example\"}".to_owned(),
        "{\"provider\":\"p\",\"user\":\"u\",\"user\":\"v\"}".to_owned(),
        "{\"provider\":\"p\",\"user\":\"\"}".to_owned(),
        "{\"provider\":\"p\",\"user\":\"a\\u0000b\"}".to_owned(),
    ];
    for body in bodies {
        let request = client
            .post(format!("{}/v1/connections", broker.url))
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", "application/json");
        let answer = request.body(body.clone()).send().await.unwrap();
        let status = answer.status();
        let text = answer.text().await.unwrap();
        assert_eq!(status, 400, "{body:.60}: {text}");
        assert!(!text.contains("canary") && !text.contains("evil"), "{text}");
        let problem: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(problem["error"], "invalid_request");
    }
    let request = |kind: &str, body: String| {
        client
            .post(format!("{}/v1/connections", broker.url))
            .header("authorization", format!("Bearer {key}"))
            .header("content-type", kind.to_owned())
            .body(body)
            .send()
    };
    assert_eq!(request("text/plain", "{}".to_owned()).await.unwrap().status(), 415);
    assert_eq!(request("application/json", " ".repeat(70_000)).await.unwrap().status(), 413);
}

#[tokio::test]
async fn callback_without_its_flow_redeems_nothing() {
    let scene = Scene::new().await;
    let mut browser = Browser::default();
    let callback = browser.callback_of(&scene.link().await).await;
    let (base, query) = callback.split_once('?').unwrap();
    let state = query.split('&').find(|pair| pair.starts_with("state=")).unwrap();
    for bad in [
        String::new(),
        "code=x".to_owned(),
        "state=x&code=y".to_owned(),
        state.to_owned(),
        format!("{query}&{state}"),
        format!("{query}x"),
        query.replace("state=", "state=x"),
        query.replace("iss=", "iss=https%3A%2F%2Fevil.example&x="),
        format!("error=access_denied&{state}x"),
        "error=<script>".to_owned(),
        "%ff=%00".to_owned(),
    ] {
        let answer = browser.open(&format!("{base}?{bad}")).await;
        assert!(
            (400..500).contains(&answer.status) || answer.status == 502,
            "{bad}: {}",
            answer.status
        );
        assert!(!answer.text.contains("<script>"), "{bad}");
        assert!(answer.header("content-security-policy").contains("frame-ancestors 'none'"));
    }
    assert_eq!(token_requests(&scene.sandbox), 0);
}

#[tokio::test]
async fn value_that_was_moved_to_another_user_is_refused() {
    let sandbox = provider().await;
    let home = Home::new();
    let key = home.tenant("acme", &[]);
    let broker = home.serve(&[]);
    let api = broker.api(&key);
    api.provide("sandbox", sandbox.issuer()).await;
    for user in ["u-1", "u-2"] {
        api.connect("sandbox", user).await;
        api.token("sandbox", user).await.json(200);
    }
    drop(broker);
    let file = home.database();
    let space = oauthctl_broker::storage::Space::Grants.number();
    // Each gets the value of the other.
    let swapped = file.execute(
        "WITH old AS MATERIALIZED (SELECT id, value FROM records WHERE space = ?1)
         UPDATE records SET value = old.value FROM old WHERE space = ?1 AND old.id <> records.id",
        [space],
    );
    assert_eq!(swapped.unwrap(), 2);
    drop(file);
    let broker = home.serve(&[]);
    for user in ["u-1", "u-2"] {
        broker.api(&key).token("sandbox", user).await.problem(503);
    }
}
