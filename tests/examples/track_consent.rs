//! The example `track_consent`: users with browsers, and a site that knows who has consented.

use rusqlite::Connection;
use rustix::process::Signal;
use serde_json::json;

use crate::support::{
    Chromium, Home, OidcProvider, Page, Running, Servers, User, assert_not_shown, await_some,
};
use crate::walk::spawn;

mod address;
mod hostile;
mod kept;

const ADA: &str = "user=1";
const BROOK: &str = "user=2";

struct Site {
    server: OidcProvider,
    home: Home,
    running: Running,
    /// With a slash at its end.
    url: String,
}

fn serve(home: &Home, issuer: &str, listen: &str, more: &[&str]) -> (Running, String) {
    let data = home.path("consent");
    let data = data.to_str().unwrap();
    let args = ["--issuer", issuer, "--client-id", "cli", "--data", data, "--listen", listen];
    listening(spawn(home, "track_consent", &[&args, more].concat()))
}

fn listening(mut running: Running) -> (Running, String) {
    let url =
        running.await_stdout(|text| Some(text.strip_suffix("/\n")?.split_once("http")?.1.into()));
    let url: String = url;
    (running, format!("http{url}/"))
}

impl Site {
    fn new() -> Self {
        Self::with(&[])
    }

    fn with(more: &[&str]) -> Self {
        let (server, home) = (Servers::oidc_provider(), Home::new());
        let (running, url) = serve(&home, &server.issuer, "127.0.0.1:0", more);
        Self { server, home, running, url }
    }

    /// Ends it, by a signal as an operator does or with no time to say goodbye, and starts it again.
    fn restart(&mut self, signal: Signal) {
        let authority = self.url.trim_start_matches("http://").trim_end_matches('/').to_owned();
        self.running.signal(signal);
        let ended = await_some("the end of the site", || self.running.ended());
        assert_eq!(ended.success(), signal == Signal::INT, "{}", self.running.stderr_so_far());
        (self.running, self.url) = serve(&self.home, &self.server.issuer, &authority, &[]);
    }

    fn deny(&self, deny: bool) {
        self.server.control.post("/deny", &json!({ "deny": deny }));
    }

    /// What the list shows for a user.
    #[track_caller]
    fn says(&self, name: &str) -> String {
        let page = User::default().open(&self.url).with(200);
        let item = page.body.split("<li ").find(|item| item.contains(name));
        item.unwrap_or_else(|| panic!("{name}: {}", page.body)).to_owned()
    }

    #[track_caller]
    fn has_consented(&self, name: &str) -> bool {
        let item = self.says(name);
        let (yes, no) = (item.contains("has consented since"), item.contains("has not consented"));
        assert_ne!(yes, no, "{item}");
        yes
    }

    /// One goes from the button to the end, and sees this.
    #[track_caller]
    fn ask(&self, user: &mut User, who: &str) -> Page {
        user.click(&self.url, "/ask", who)
    }

    /// It is refused, and no code is redeemed.
    #[track_caller]
    fn refuses(&self, user: &mut User, callback: &str) -> Page {
        let before = self.server.count("authorization_code");
        let page = user.open(callback).with(400);
        assert!(page.body.contains("Nothing was changed."), "{}", page.body);
        assert_eq!(self.server.count("authorization_code"), before, "redeemed: {callback}");
        page
    }

    /// One is asked for a user's consent, but signs in at the server with another account.
    #[track_caller]
    fn ask_but_sign_in_as(&self, user: &mut User, who: &str, account: &str) -> Page {
        let page = user.post(&self.url, "/ask", who).with(303);
        let mut url = url::Url::parse(page.header("location").unwrap()).unwrap();
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        assert!(pairs.iter().any(|(name, _)| name == "login_hint"), "{url}");
        url.query_pairs_mut().clear().extend_pairs(pairs.iter().map(|(name, value)| {
            (name, if name == "login_hint" { account } else { value.as_str() })
        }));
        user.open(url.as_str())
    }

    fn rows(&self) -> Vec<(i64, String)> {
        let db = Connection::open(self.home.path("consent/track_consent/users.db")).unwrap();
        let mut query = db.prepare("SELECT user_id, sub FROM consents ORDER BY user_id").unwrap();
        let rows = query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        rows.map(Result::unwrap).collect()
    }
}

#[test]
fn consent_is_the_users_who_was_asked() {
    let site = Site::new();
    for name in ["Ada Quill", "Brook Lindqvist", "Chen Okafor"] {
        assert!(!site.has_consented(name), "{name}");
    }
    let mut browser = User::default();
    let page = site.ask(&mut browser, BROOK).with(200);
    assert_eq!(page.url.as_str(), site.url, "the code is not in the address");
    assert!(site.has_consented("Brook Lindqvist"));
    assert!(site.says("Brook").contains("as <b>brook@sandbox.example</b>"));
    assert!(!site.has_consented("Ada Quill") && !site.has_consented("Chen Okafor"));
    assert_eq!(site.rows(), [(2, "brook@sandbox.example".to_owned())]);

    site.ask(&mut User::default(), ADA).with(200);
    assert!(site.has_consented("Ada Quill") && site.has_consented("Brook Lindqvist"));
    // Nobody is asked by looking.
    User::default().open(&format!("{}ask?{ADA}", site.url)).with(405);
    site.ask(&mut User::default(), "user=4").with(404);
    assert_eq!(site.server.count("authorization_code"), 2);
}

#[test]
fn consent_with_another_account_is_refused() {
    let site = Site::new();
    let asked = |account| site.ask_but_sign_in_as(&mut User::default(), ADA, account).with(400);
    let page = asked("brook@sandbox.example");
    for told in [
        "requires the account with email <b>ada@sandbox.example</b>.",
        "`email` is brook@sandbox.example.",
        "No consent was recorded. There is no earlier consent either.",
    ] {
        assert!(page.body.contains(told), "{told}: {}", page.body);
    }
    assert!(site.rows().is_empty(), "{:?}", site.rows());
    assert!(!site.has_consented("Ada Quill") && !site.has_consented("Brook Lindqvist"));
    let grants = std::fs::read_dir(site.home.path("consent/track_consent/grants")).unwrap();
    let files = grants.map(|file| std::fs::read(file.unwrap().path()).unwrap());
    assert!(files.into_iter().all(|file| file.iter().all(|byte| *byte == 0)), "a token is kept");

    // What was consented to before stays, with the account that it was given with.
    site.ask(&mut User::default(), ADA).with(200);
    let (consented, rows) = (site.says("Ada Quill"), site.rows());
    assert!(consented.contains("as <b>ada@sandbox.example</b>"), "{consented}");
    let hostile = "<img src=x>@evil.example";
    let page = asked(hostile);
    assert!(page.body.contains("is &lt;img src=x&gt;@evil.example"), "{}", page.body);
    assert!(page.body.contains("The consent of 2"), "{}", page.body);
    assert_not_shown(&page.body, ["<img"]);
    assert_eq!((site.says("Ada Quill"), site.rows()), (consented, rows));

    // Known by the subject, an account that was given the address since is another one.
    let db = Connection::open(site.home.path("consent/track_consent/users.db")).unwrap();
    db.execute("UPDATE consents SET sub = 'earlier' WHERE user_id = 1", []).unwrap();
    let page = site.ask(&mut User::default(), ADA).with(400);
    assert!(page.body.contains("and sub <b>earlier</b>"), "{}", page.body);
}

#[test]
fn two_users_at_once_are_not_mixed_up() {
    let site = Site::new();
    let (mut ada, mut brook) = (User::default(), User::default());
    let adas = ada.click_until_callback(&site.url, "/ask", ADA);
    let brooks = brook.click_until_callback(&site.url, "/ask", BROOK);
    // In each other's browsers they are worth nothing.
    site.refuses(&mut ada, &brooks);
    site.refuses(&mut brook, &adas);
    assert!(site.rows().is_empty());
    brook.open(&brooks).with(200);
    ada.open(&adas).with(200);
    let expected = [(1, "ada@sandbox.example".to_owned()), (2, "brook@sandbox.example".to_owned())];
    assert_eq!(site.rows(), expected);
    // One browser may be about both.
    let mut both = User::default();
    let adas = both.click_until_callback(&site.url, "/ask", ADA);
    let mut brooks = User::default();
    let other = brooks.click_until_callback(&site.url, "/ask", BROOK);
    site.refuses(&mut both, &other);
    both.open(&adas).with(200);
}

#[test]
fn two_tabs_of_one_browser_come_back_in_any_order() {
    let site = Site::new();
    for is_backwards in [false, true] {
        let mut browser = User::default();
        let begin = |browser: &mut User| browser.click_until_callback(&site.url, "/ask", ADA);
        let mut tabs = [begin(&mut browser), begin(&mut browser)];
        assert_eq!(browser.attributes("ask-").len(), 2);
        // A tab of another browser, even one that was started for the same user.
        let mut other = User::default();
        site.refuses(&mut other, &tabs[0]);
        begin(&mut other);
        site.refuses(&mut other, &tabs[0]);
        if is_backwards {
            tabs.reverse();
        }
        for callback in &tabs {
            browser.open(callback).with(200);
            assert!(site.has_consented("Ada Quill"));
            site.refuses(&mut browser, callback);
        }
        assert!(browser.attributes("ask-").is_empty(), "each takes its own away");
    }
    assert_eq!(site.server.count("authorization_code"), 4);
}

#[test]
fn denial_is_shown_and_leaves_what_there_was() {
    let site = Site::new();
    let mut browser = User::default();
    site.deny(true);
    let page = site.ask(&mut browser, ADA).with(403);
    assert!(page.body.contains("Ada Quill denied access. There is no earlier consent either."));
    assert!(!site.has_consented("Ada Quill"));
    site.deny(false);
    site.ask(&mut browser, ADA).with(200);
    let (consented, rows) = (site.says("Ada Quill"), site.rows());
    site.deny(true);
    let page = site.ask(&mut User::default(), ADA).with(403);
    assert!(page.body.contains("Ada Quill denied access. The consent of 2"), "{}", page.body);
    assert_eq!((site.says("Ada Quill"), site.rows()), (consented, rows));
}

#[test]
fn restart_between_asking_and_answer_loses_nothing() {
    let mut site = Site::new();
    let (mut ada, mut brook) = (User::default(), User::default());
    site.ask(&mut brook, BROOK).with(200);
    for signal in [Signal::INT, Signal::KILL] {
        let callback = ada.click_until_callback(&site.url, "/ask", ADA);
        site.restart(signal);
        assert!(site.has_consented("Brook Lindqvist"));
        ada.open(&callback).with(200);
        assert!(site.has_consented("Ada Quill"));
    }
    // What is in the table is what there is: here the row was lost, there the grant.
    let db = Connection::open(site.home.path("consent/track_consent/users.db")).unwrap();
    db.execute("DELETE FROM consents WHERE user_id = 1", []).unwrap();
    let invented = "INSERT INTO consents VALUES (3, 'no-grant', 'chen', NULL, 'never')";
    db.execute(invented, []).unwrap();
    drop(db);
    site.restart(Signal::INT);
    assert!(site.has_consented("Ada Quill") && !site.has_consented("Chen Okafor"));
}

#[test]
fn consent_can_be_withdrawn_and_given_again() {
    let site = Site::new();
    let mut browser = User::default();
    site.ask(&mut browser, ADA).with(200);
    site.ask(&mut User::default(), BROOK).with(200);
    assert!(!site.says("Chen").contains("/withdraw"), "there is nothing to withdraw");
    browser.open(&format!("{}withdraw?{ADA}", site.url)).with(405);
    browser.click(&site.url, "/withdraw", ADA).with(200);
    assert!(!site.has_consented("Ada Quill") && site.has_consented("Brook Lindqvist"));
    browser.click(&site.url, "/withdraw", ADA).with(200);
    site.ask(&mut browser, ADA).with(200);
    assert!(site.has_consented("Ada Quill"));

    // A server that cannot be reached: the consent is withdrawn locally anyway.
    let Site { server, home, running, url } = site;
    drop(server);
    let page = browser.click(&url, "/withdraw", BROOK).with(502);
    assert!(page.body.contains("did not revoke them"), "{}", page.body);
    assert!(!User::default().open(&url).body.contains("brook@sandbox.example</b>"));
    let page = browser.click(&url, "/ask", BROOK);
    assert!(matches!(page.status, 303 | 503), "{page:?}");
    assert_not_shown(
        &running.stderr_so_far(),
        [browser.cookies_for("/callback").as_str(), "panicked"],
    );
    drop(home);
}

#[test]
fn user_records_consent_in_a_real_browser() {
    let mut browser = Chromium::start();
    let home = Home::new();
    let (running, url) = listening(spawn(&home, "track_consent", &["--listen", "127.0.0.1:0"]));
    browser.open(&url, "Who has consented?");
    browser.click("[aria-label='Ask for consent: Brook Lindqvist']", "Allow access?");
    browser.click("button[value=deny]", "Denied");
    assert!(browser.text().contains("Brook Lindqvist denied access."), "{}", browser.text());
    browser.click("a", "Who has consented?");
    // Chen signs in where Brook was asked.
    browser.click("[aria-label='Ask for consent: Brook Lindqvist']", "Allow access?");
    browser.choose("input[value=chen]");
    browser.click("button[value=allow]", "Not accepted");
    let refused = browser.text();
    assert!(refused.contains("requires the account with email brook@sandbox.example"), "{refused}");
    assert!(refused.contains("`email` is chen@sandbox.example"), "{refused}");
    browser.click("a", "Who has consented?");
    assert!(!browser.text().contains("has consented since"), "{}", browser.text());
    let said = running.stderr_so_far();
    assert!(said.contains("a different user than required"), "{said}");
    browser.click("[aria-label='Ask for consent: Brook Lindqvist']", "Allow access?");
    browser.click("button[value=allow]", "Who has consented?");
    assert_eq!(browser.address(), url);
    let since = browser.text();
    assert_eq!(since.matches("has consented since").count(), 1, "{since}");
    assert!(since.contains("as person-2 (brook@sandbox.example)"), "{since}");
    browser.look("track_consent");
    browser.click("[aria-label='Withdraw consent: Brook Lindqvist']", "Who has consented?");
    browser.until("nobody has consented", "!document.body.innerText.includes('since')");
    assert_eq!(running.stderr_so_far(), said, "nothing more");
    assert!(!browser.log().contains("Content Security Policy"), "{}", browser.log());
}
