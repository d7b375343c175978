//! The device flow (RFC 8628) at servers that the project did not write: oidc-provider and django-oauth-toolkit.

use std::time::Duration;

use rustix::process::Signal;

use crate::support::{Foreign, Home, OidcProvider, Page, Running, Servers, User, assert_no_secret};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

fn at_oidc_provider(options: &[&str]) -> (OidcProvider, Home) {
    let (server, home) = (Servers::oidc_provider_with(options), Home::new());
    let more = "flow = [\"device\"]\nscopes = [\"openid\", \"offline_access\"]\n";
    home.profile("p", &server.issuer, "cli", more);
    (server, home)
}

/// Starts a login, and returns the code that it shows.
#[track_caller]
fn begin(home: &Home, args: &[&str]) -> (Running, String) {
    let mut running = home.spawn([&["login", "p"], args].concat());
    let code = running.await_stderr(|text| {
        let (_, after) = text.split_once("enter the code:\n\n  ")?;
        let (_, code) = after.split_once("\n  ")?;
        let (code, after) = code.split_once('\n')?;
        after.contains("Waiting for you").then(|| code.to_owned())
    });
    (running, code)
}

#[test]
fn approval_and_denial_at_oidc_provider_end_the_wait() {
    let (server, home) = at_oidc_provider(&[]);
    let (login, code) = begin(&home, &["--json"]);
    server.answer_device(&code, false);
    let login = login.wait().ok().json();
    assert_eq!(
        (&login["identity"]["sub"], &login["has_refresh_token"]),
        (&"alice".into(), &true.into())
    );
    home.run(["token", "--force-refresh"]).ok();
    let stored = home.run(["token"]).ok().line().to_owned();
    let (login, code) = begin(&home, &[]);
    server.answer_device(&code, true);
    login.wait().fails(5);
    assert_eq!(home.run(["token"]).ok().line(), stored, "what was stored stays");
    assert_no_secret(&home, [stored]);
}

#[test]
fn code_that_oidc_provider_forgets_is_a_timeout() {
    let (server, home) = at_oidc_provider(&["--device-ttl", "4"]);
    let (login, _) = begin(&home, &[]);
    login.wait().fails(6);
    assert!(server.count(GRANT) <= 1);
    home.run(["token"]).fails(4);
}

/// A laptop that sleeps: the process does not run, and time goes on.
#[test]
fn login_that_slept_polls_once_and_goes_on() {
    let (server, home) = at_oidc_provider(&[]);
    let (login, code) = begin(&home, &[]);
    login.signal(Signal::STOP);
    server.answer_device(&code, false);
    std::thread::sleep(Duration::from_secs(7));
    assert!(server.count(GRANT) <= 1);
    login.signal(Signal::CONT);
    login.wait().ok();
    assert!(server.count(GRANT) <= 2);
    home.run(["token"]).ok();

    // The code expires meanwhile.
    let (server, home) = at_oidc_provider(&["--device-ttl", "4"]);
    let (login, _) = begin(&home, &[]);
    login.signal(Signal::STOP);
    std::thread::sleep(Duration::from_secs(5));
    login.signal(Signal::CONT);
    login.wait().fails(6);
    assert!(server.count(GRANT) <= 1);
}

/// django-oauth-toolkit. Its metadata does not name the device authorization endpoint.
fn at_django_toolkit() -> (Foreign, Home) {
    let (server, home) = (Foreign::django_toolkit(3600), Home::new());
    let more = format!(
        "flow = [\"device\"]\nscopes = [\"api\"]\n\
         device_authorization_endpoint = \"{}/device-authorization/\"\n",
        server.issuer
    );
    home.profile("p", &server.issuer, "device", &more);
    (server, home)
}

/// Fills in the form of a page of django-oauth-toolkit.
#[track_caller]
fn submit(user: &mut User, page: &Page, fields: &str) -> Page {
    let (_, token) = page.body.split_once("name=\"csrfmiddlewaretoken\" value=\"").unwrap();
    let (token, _) = token.split_once('"').unwrap();
    let url = page.url.as_str();
    user.click(url, url, &format!("csrfmiddlewaretoken={token}&{fields}"))
}

/// Logs in at the pages of django-oauth-toolkit, and enters a user code. Returns the next page.
#[track_caller]
fn enter_code(user: &mut User, server: &Foreign, code: &str) -> Page {
    let login = user.open(&format!("{}/device/", server.issuer));
    let password = server.user["password"].as_str().unwrap();
    let form = submit(user, &login, &format!("username=alice&password={password}&next=/o/device/"));
    submit(user, &form, &format!("user_code={code}"))
}

#[test]
fn approval_and_denial_at_django_toolkit_end_the_wait() {
    let (server, home) = at_django_toolkit();
    let (login, code) = begin(&home, &["--json"]);
    let mut user = User::default();
    let page = enter_code(&mut user, &server, &code);
    let page = submit(&mut user, &page, "action=accept").with(200);
    assert!(page.body.contains("Authorized"), "{}", page.body);
    let login = login.wait().ok().json();
    assert_eq!(
        (&login["scopes"], &login["has_refresh_token"]),
        (&serde_json::json!(["api"]), &true.into())
    );
    home.run(["token", "--force-refresh"]).ok();
    let stored = home.run(["token"]).ok().line().to_owned();
    let (login, code) = begin(&home, &[]);
    let mut user = User::default();
    let page = enter_code(&mut user, &server, &code);
    submit(&mut user, &page, "action=deny").with(200);
    login.wait().fails(5);
    assert_eq!(home.run(["token"]).ok().line(), stored, "what was stored stays");
    assert_eq!(server.grants("refresh_token").len(), 1);
    assert_no_secret(&home, server.secrets());
}

#[test]
fn expired_code_at_django_toolkit_is_a_timeout() {
    let (server, home) = at_django_toolkit();
    let (login, code) = begin(&home, &[]);
    server.expire();
    let page = enter_code(&mut User::default(), &server, &code);
    assert!(page.body.contains("Expired user code"), "{}", page.body);
    login.wait().fails(6);
    let polls = server.grants(GRANT);
    assert_eq!(polls.last().unwrap()["error"], "expired_token", "{polls:?}");
    home.run(["token"]).fails(4);
}
