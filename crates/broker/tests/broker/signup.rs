//! Sign-up with an email address, with a mail server that prints what it receives.

use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use reqwest::Client;
use serde_json::{Value, json};

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

    /// Waits for the next mail, and returns its recipient and the link in it.
    fn link(&self) -> (String, String) {
        let (mut to, mut link) = (String::new(), String::new());
        loop {
            let line = self.lines.recv_timeout(Duration::from_secs(60)).unwrap();
            // The mail is quoted-printable: a long line goes on after `=`.
            let line = line.replace("=3D", "=");
            if let Some(recipient) = line.strip_prefix("To: ") {
                to = recipient.to_owned();
            } else if line.contains("/v1/verify?token=") || link.ends_with('=') {
                link = link.strip_suffix('=').unwrap_or(&link).to_owned() + line.trim();
            } else if line.contains("END MESSAGE") {
                return (to, link);
            }
        }
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
    let request = Client::new().post(format!("{}/v1/keys", broker.url));
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
