//! Sign-up with an email address, with a mail server that prints what it receives.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use reqwest::{Client, Method, Response};
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::admin;
use crate::pages::in_browser;
use crate::support::{Answer, Broker, Home};

/// A mail server. It ends when this is dropped.
struct MailServer {
    port: u16,
    lines: Receiver<String>,
    process: Child,
}

impl MailServer {
    fn start() -> Self {
        let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let mut process = Command::new("/usr/bin/python3")
            .args(["-u", "-m", "aiosmtpd", "-n", "-l", &format!("127.0.0.1:{port}")])
            .args(["-c", "aiosmtpd.handlers.Debugging", "stdout"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let until = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_err() {
            assert!(process.try_wait().unwrap().is_none() && Instant::now() < until);
            std::thread::sleep(Duration::from_millis(20));
        }
        let (sender, lines) = channel();
        let output = BufReader::new(process.stdout.take().unwrap());
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                let _ = sender.send(line);
            }
        });
        Self { port, lines, process }
    }

    /// Waits for the next mail, and returns its recipient, the link in it, and its whole text.
    fn mail(&self) -> (String, String, String) {
        let (mut to, mut link, mut text) = (String::new(), String::new(), String::new());
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(60)).unwrap();
            text = format!("{text}{line}\n");
            if let Some(recipient) = line.strip_prefix("To: ") {
                to = recipient.to_owned();
            } else if line.contains("/v1/verify?token=") {
                line.trim().clone_into(&mut link);
            } else if line.contains("END MESSAGE") {
                return (to, link, text);
            }
        }
    }

    /// Waits for the next mail, and returns its recipient and the link in it.
    fn link(&self) -> (String, String) {
        let (to, link, _) = self.mail();
        (to, link)
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn serve(home: &Home, mails: &MailServer) -> Broker {
    let smtp = format!("smtp://127.0.0.1:{}", mails.port);
    home.serve(&["--signup", "--smtp", &smtp, "--mail-from", "Broker <no-reply@example.com>"])
}

async fn sign_up(broker: &Broker, email: &str, password: &str) -> Answer {
    let body = json!({ "email": email, "password": password });
    broker.api("").post("/v1/signup", &body).await
}

async fn key(broker: &Broker, email: &str, password: &str) -> (u16, Value) {
    key_at(&broker.url, email, password).await
}

async fn key_at(url: &str, email: &str, password: &str) -> (u16, Value) {
    let request = Client::new().post(format!("{url}/v1/keys"));
    let answer = request.basic_auth(email, Some(password)).send().await.unwrap();
    (answer.status().as_u16(), serde_json::from_str(&answer.text().await.unwrap()).unwrap())
}

#[tokio::test]
async fn confirmed_address_gets_a_key_of_its_own_tenant() {
    let (home, mails) = (Home::new(), MailServer::start());
    let broker = serve(&home, &mails);
    assert_eq!(sign_up(&broker, "ada@example.com", "correct horse").await.status, 202);
    let (to, link) = mails.link();
    assert_eq!(to, "ada@example.com");
    assert!(link.starts_with(&broker.url), "{link}");
    assert_eq!(key(&broker, "ada@example.com", "correct horse").await.0, 403);
    assert_eq!(key(&broker, "ada@example.com", "wrong horse").await.0, 401);

    let page = broker.api("").get(&link[broker.url.len()..]).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert_eq!(broker.api("").get(&link[broker.url.len()..]).await.status, 404);
    let (status, issued) = key(&broker, "Ada@example.com", "correct horse").await;
    assert_eq!(status, 201);
    let api = broker.api(issued["api_key"].as_str().unwrap());
    api.get("/v1/connections").await.json(200);
    let quota = home.json(&["tenant", "list"])[0]["quota"].clone();
    let expected =
        json!({ "connections": 1_000, "providers": 20, "pending": 1_000, "requests": 100 });
    assert_eq!(quota, expected);
    // Keys that the operator has issued count as well.
    let tenant = home.json(&["tenant", "list"])[0]["tenant"].as_str().unwrap().to_owned();
    for _ in 0..99 {
        home.json(&["tenant", "key", &tenant]);
    }
    let (status, refused) = key(&broker, "ada@example.com", "correct horse").await;
    assert_eq!((status, &refused["error"]), (403, &json!("quota_exceeded")));
    assert_eq!(key(&broker, "ada@example.com", "wrong horse").await.0, 401);
    let log = broker.log();
    for secret in ["horse", "ada@", issued["api_key"].as_str().unwrap()] {
        assert!(!log.contains(secret), "{log}");
    }
}

#[tokio::test]
async fn password_of_another_does_not_count() {
    let (home, mails) = (Home::new(), MailServer::start());
    let broker = serve(&home, &mails);
    sign_up(&broker, "ada@example.com", "of the attacker").await;
    mails.link();
    sign_up(&broker, "ada@example.com", "of the owner").await;
    let (_, link) = mails.link();
    broker.api("").get(&link[broker.url.len()..]).await;
    assert_eq!(key(&broker, "ada@example.com", "of the attacker").await.0, 401);
    assert_eq!(key(&broker, "ada@example.com", "of the owner").await.0, 201);
    // Neither does one whose mail nobody follows, once the address is confirmed.
    assert_eq!(sign_up(&broker, "ada@example.com", "of the attacker").await.status, 202);
    mails.link();
    assert_eq!(key(&broker, "ada@example.com", "of the attacker").await.0, 401);
    assert_eq!(key(&broker, "ada@example.com", "of the owner").await.0, 201);
}

/// Creates the tenant of an address, and returns the key that its password gets.
async fn confirmed(broker: &Broker, mails: &MailServer, email: &str, password: &str) -> String {
    sign_up(broker, email, password).await;
    assert_eq!(get(&mails.link().1).await.0, 200);
    let (status, issued) = key(broker, email, password).await;
    assert_eq!(status, 201);
    issued["api_key"].as_str().unwrap().to_owned()
}

async fn send(method: &str, link: &str) -> Response {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    Client::new().request(method, link).send().await.unwrap()
}

async fn get(link: &str) -> (u16, String) {
    let response = send("GET", link).await;
    (response.status().as_u16(), response.text().await.unwrap())
}

/// Sends the form of the page that a link of a known address shows.
async fn replace(broker: &Broker, link: &str, password: &str) -> (u16, String) {
    let (_, token) = link.split_once("?token=").unwrap();
    let form = format!("token={token}&password={}", password.replace(' ', "+"));
    let response = admin::post(&format!("{}/v1/verify", broker.url), "", &form).await;
    (response.status().as_u16(), response.text().await.unwrap())
}

#[tokio::test]
async fn link_confirms_by_get_alone() {
    let (home, mails) = (Home::new(), MailServer::start());
    let broker = serve(&home, &mails);
    sign_up(&broker, "ada@example.com", "correct horse").await;
    let (_, link) = mails.link();
    for method in ["HEAD", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
        assert_eq!(send(method, &link).await.status(), 405, "{method}");
    }
    assert_eq!(send("POST", &link).await.status(), 404);
    assert_eq!(replace(&broker, &link, "correct horse").await.0, 404);
    assert_eq!(key(&broker, "ada@example.com", "correct horse").await.0, 403);
    assert_eq!(get(&link).await.0, 200);
    assert_eq!(key(&broker, "ada@example.com", "correct horse").await.0, 201);
}

#[tokio::test]
async fn stranger_cannot_replace_the_password_of_a_tenant() {
    let (home, mails) = (Home::new(), MailServer::start());
    let broker = serve(&home, &mails);
    let issued = confirmed(&broker, &mails, "ada@example.com", "of the owner").await;
    sign_up(&broker, "Ada@example.com", "of the attacker").await;
    let (_, link, text) = mails.mail();
    for part in [
        "Subject: Set a new password",
        "asked to set",
        "ignore this email: nothing changes",
        "MIME-Version: 1.0",
        "Content-Type: text/plain; charset=utf-8",
        "Message-ID: <",
        "@example.com>\n",
    ] {
        assert!(text.contains(part), "{text}");
    }
    // Scanners of mails do this.
    for method in ["HEAD", "GET", "OPTIONS", "GET"] {
        send(method, &link).await;
    }
    let page = send("GET", &link).await;
    assert_eq!(page.status(), 200);
    let policy = page.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.contains("default-src 'none'") && policy.ends_with("form-action 'self'"));
    assert_eq!(page.headers()["x-frame-options"], "DENY");
    assert_eq!(page.headers()["referrer-policy"], "no-referrer");
    assert!(page.text().await.unwrap().contains("Nothing has changed yet"));
    // The owner may think that the page asks for the password in use.
    for wrong in ["of the owner", "", "of the attackers", &"x".repeat(20_000)] {
        let (status, page) = replace(&broker, &link, wrong).await;
        assert_eq!(status, 403, "{wrong}");
        assert!(page.contains("not the password that was chosen"), "{page}");
    }
    assert_eq!(send("POST", &format!("{link}&password=of+the+attacker")).await.status(), 404);
    assert_eq!(replace(&broker, "?token=x", "of the attacker").await.0, 404);
    assert_eq!(key(&broker, "ada@example.com", "of the attacker").await.0, 401);
    assert_eq!(key(&broker, "ada@example.com", "of the owner").await.0, 201);
    broker.api(&issued).get("/v1/connections").await.json(200);
    let mut refused = 0;
    // One of two windows has more than it may have.
    for _ in 0..41 {
        refused += usize::from(replace(&broker, &link, "guessed").await.0 == 429);
    }
    assert!(refused > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn new_password_revokes_the_keys_of_the_old_one() {
    let (home, mails) = (Home::new(), MailServer::start());
    let broker = serve(&home, &mails);
    let issued = confirmed(&broker, &mails, "ada@example.com", "the old one").await;
    broker.api(&issued).get("/v1/connections").await.json(200);
    let tenant = home.json(&["tenant", "list"])[0]["tenant"].as_str().unwrap().to_owned();
    let of_operator = home.json(&["tenant", "key", &tenant]);
    sign_up(&broker, "ada@example.com", "the <new> one").await;
    let (_, link) = mails.link();
    let page = link.clone();
    in_browser(move |browser| {
        browser.forbid_scripts();
        browser.open(&page, "Set a new password");
        browser.look("password");
        browser.fill("#password", "the old one");
        browser.click("button", "Set a new password");
        assert!(browser.text().contains("not the password that was chosen"));
        browser.look("password-wrong");
        browser.fill("#password", "the <new> one");
        browser.click("button", "The new password is set");
        browser.look("password-set");
        browser.open(&page, "This link is invalid");
    })
    .await;
    assert_eq!(replace(&broker, &link, "the <new> one").await.0, 404);
    broker.api(&issued).get("/v1/connections").await.problem(401);
    let of_operator = broker.api(of_operator["api_key"].as_str().unwrap());
    of_operator.get("/v1/connections").await.json(200);
    assert_eq!(key(&broker, "ada@example.com", "the old one").await.0, 401);
    let (status, issued) = key(&broker, "ada@example.com", "the <new> one").await;
    assert_eq!(status, 201);
    broker.api(issued["api_key"].as_str().unwrap()).get("/v1/connections").await.json(200);
    assert_eq!(home.json(&["tenant", "list"]).as_array().unwrap().len(), 1);
    assert!(!broker.log().contains(" one"), "{}", broker.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_key_of_the_old_password_outlives_it() {
    let (home, mails) = (Home::new(), MailServer::start());
    let broker = serve(&home, &mails);
    confirmed(&broker, &mails, "ada@example.com", "the old one").await;
    sign_up(&broker, "ada@example.com", "the new one").await;
    let (_, link) = mails.link();
    let mut requests = JoinSet::new();
    for _ in 0..16 {
        let url = broker.url.clone();
        requests.spawn(async move { key_at(&url, "ada@example.com", "the old one").await });
    }
    assert_eq!(replace(&broker, &link, "the new one").await.0, 200);
    for (status, key) in requests.join_all().await {
        match key["api_key"].as_str() {
            Some(key) => drop(broker.api(key).get("/v1/connections").await.problem(401)),
            None => assert!([401, 429].contains(&status), "{status}"),
        }
    }
}

#[tokio::test]
async fn hostile_sign_ups_are_problems() {
    let (home, mails) = (Home::new(), MailServer::start());
    let broker = serve(&home, &mails);
    let long = format!("{}@example.com", "a".repeat(300));
    let newline = "ada@example.com\r\nBcc: eve@example.com";
    for email in ["", "ada", "ada@", "@example.com", newline, "ada@example.com\0", &long] {
        assert_eq!(sign_up(&broker, email, "correct horse").await.status, 400, "{email:?}");
    }
    for password in ["", "short", &"x".repeat(1025)] {
        sign_up(&broker, "ada@example.com", password).await.problem(400);
    }
    for body in [json!({}), json!([]), json!({ "email": 1, "password": "correct horse" })] {
        broker.api("").post("/v1/signup", &body).await.problem(400);
    }
    for token in ["", "x", "../../x", &"x".repeat(5000)] {
        let page = broker.api("").get(&format!("/v1/verify?token={token}")).await;
        assert_eq!(page.status, 404, "{token}");
        assert!(!page.text.contains("../"));
    }
    assert_eq!(broker.api("").get("/v1/verify").await.status, 404);
    broker.api("x").post("/v1/keys", &json!({})).await.problem(401);
    assert_eq!(key(&broker, "nobody@example.com", "correct horse").await.0, 401);
}

#[tokio::test]
async fn mails_to_one_address_are_limited() {
    let (home, mails) = (Home::new(), MailServer::start());
    let broker = serve(&home, &mails);
    let mut refused = 0;
    for _ in 0..8 {
        let answer = sign_up(&broker, "ada@example.com", "correct horse").await;
        if answer.status == 429 {
            assert!(answer.problem(429)["retry_after"].as_u64().unwrap() >= 1);
            refused += 1;
        }
    }
    // Of eight in one hour, or in two that happen to meet here.
    assert!((1..=3).contains(&refused), "{refused}");
    assert_eq!(sign_up(&broker, "bob@example.com", "correct horse").await.status, 202);
}

#[tokio::test]
async fn without_sign_up_there_are_no_such_routes() {
    let home = Home::new();
    let broker = home.serve(&[]);
    sign_up(&broker, "ada@example.com", "correct horse").await.problem(404);
    assert_eq!(key(&broker, "ada@example.com", "correct horse").await.0, 404);
    let output = Home::new().run(&["serve", "--listen", "127.0.0.1:0", "--signup"]).fails(3);
    assert!(output.stderr.contains("`smtp` and `mail_from`"), "{}", output.stderr);
}

#[tokio::test]
async fn mail_has_its_link_as_it_is() {
    let (home, mails) = (Home::new(), MailServer::start());
    let mut broker = serve(&home, &mails);
    assert_eq!(sign_up(&broker, "ada@example.com", "correct horse").await.status, 202);
    let (_, link, text) = mails.mail();
    // 32 bytes in base64url, and no line break of an encoding.
    assert_eq!(link.split_once("?token=").unwrap().1.len(), 43, "{text}");
    assert_eq!(broker.api("").get(link.strip_prefix(&broker.url).unwrap()).await.status, 200);
    // The log says why a mail was not sent.
    assert_eq!(sign_up(&broker, "\u{e4}@example.com", "correct horse").await.status, 202);
    broker.process.await_stderr(|log| {
        let line = log.lines().find(|line| line.contains("an email was not sent"))?;
        assert!(line.contains("does not support non-ASCII addresses"), "{line}");
        Some(())
    });
}
