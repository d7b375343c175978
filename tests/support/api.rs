//! A resource server of the test's own, with a token endpoint: it notes every request, and a closure answers.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, OnceLock};

use serde_json::{Value, json};

use super::home::Home;
use super::http::{header_line, only};
use super::imported::{grant, plant};

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    /// The path and the query.
    pub target: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Asked {
    /// The only header of this name.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        only(&self.headers, name)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// An answer as it goes.
pub struct Replied {
    head: String,
    body: Vec<u8>,
}

impl Replied {
    /// An answer with this status, these header lines and this body.
    pub fn new(status: u16, headers: &[&str], body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let mut head = format!("HTTP/1.1 {status} Status\r\ncontent-length: {}\r\n", body.len());
        for line in headers {
            head.push_str(&format!("{line}\r\n"));
        }
        Self { head: head + "\r\n", body }
    }

    pub fn ok(body: &str) -> Self {
        Self::new(200, &["content-type: text/plain"], body)
    }

    /// Bytes that are not to be understood; the connection ends after them.
    pub fn raw(bytes: &str) -> Self {
        Self::raw_bytes(bytes)
    }

    /// The same for bytes that are no text.
    pub fn raw_bytes(bytes: impl Into<Vec<u8>>) -> Self {
        Self { head: String::new(), body: bytes.into() }
    }
}

type Answers = dyn Fn(&Asked) -> Replied + Send + Sync;

/// The server. Its threads end with the process.
pub struct Api {
    /// `http://127.0.0.1:PORT`
    pub origin: String,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// A server that nobody has a reason to contact: the issuer, key set or page to which wrong documents lead. The tests of a
/// program share it.
pub fn canary() -> &'static Api {
    static CANARY: OnceLock<Api> = OnceLock::new();
    CANARY.get_or_init(|| Api::start(|_| Replied::ok("{}")))
}

/// Nobody has contacted [`canary`].
#[track_caller]
pub fn assert_canary_untouched() {
    let asked = canary().asked.lock().unwrap();
    let targets: Vec<_> = asked.iter().map(|asked| &asked.target).collect();
    assert!(targets.is_empty(), "{targets:?}");
}

impl Api {
    /// A server that answers requests, except those to `/token`, like this. Each refresh gives the token
    /// `fresh-N`, from N = 1 on.
    pub fn start(answer: impl Fn(&Asked) -> Replied + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let origin = format!("http://{}", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (notes, answer) = (Arc::clone(&asked), Arc::new(answer) as Arc<Answers>);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (notes, answer) = (Arc::clone(&notes), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &notes, &*answer));
            }
        });
        Self { origin, asked }
    }

    /// A server that says which token each request has.
    pub fn echo() -> Self {
        Self::start(|asked| Replied::ok(asked.header("authorization").unwrap_or("no token")))
    }

    /// What was asked so far, except at `/token`.
    pub fn asked(&self) -> Vec<Asked> {
        let all = self.asked.lock().unwrap();
        all.iter().filter(|asked| asked.target != "/token").cloned().collect()
    }

    /// The number of refreshes so far.
    pub fn refreshes(&self) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| asked.target == "/token").count()
    }

    /// A home that has logged in with the token `stored`, and may send it below `path` of this server;
    /// `more` is further lines of the profile `p`.
    #[track_caller]
    pub fn home(&self, path: &str, more: &str) -> Home {
        let home = Home::new();
        self.add(&home, path, more, |_| ());
        home
    }

    /// The same for a home that exists, and a record that differs.
    #[track_caller]
    pub fn add(&self, home: &Home, path: &str, more: &str, change: impl FnOnce(&mut Value)) {
        let origin = &self.origin;
        home.config(&format!(
            "[profiles.p]\nauthorization_endpoint = \"{origin}/authorize\"\n\
             token_endpoint = \"{origin}/token\"\nclient_id = \"c\"\n\
             api_url = [\"{origin}{path}\"]\n{more}\n"
        ));
        let line = grant("default", "stored", |grant| {
            grant["pin"]["token_endpoint"] = json!(format!("{origin}/token"));
            change(grant);
        });
        plant(home, &line);
    }
}

fn serve(stream: TcpStream, notes: &Mutex<Vec<Asked>>, answer: &Answers) {
    // The body follows the head at once, also on a connection that is used again.
    let _ = stream.set_nodelay(true);
    let mut reader = BufReader::new(stream);
    while let Some(asked) = read(&mut reader) {
        let refreshes = {
            let mut notes = notes.lock().unwrap();
            notes.push(asked.clone());
            notes.iter().filter(|asked| asked.target == "/token").count()
        };
        let reply = match asked.target.as_str() {
            "/token" => Replied::new(
                200,
                &["content-type: application/json"],
                json!({
                    "access_token": format!("fresh-{refreshes}"), "token_type": "Bearer",
                    "expires_in": 3600, "refresh_token": format!("CANARY-refresh-{refreshes}"),
                })
                .to_string(),
            ),
            _ => answer(&asked),
        };
        let is_raw = !reply.head.contains("content-length: ");
        let stream = reader.get_mut();
        let sent = stream.write_all(reply.head.as_bytes()).and_then(|()| {
            let has_no_body = asked.method == "HEAD" && !is_raw;
            if has_no_body { Ok(()) } else { stream.write_all(&reply.body) }
        });
        if sent.is_err() || is_raw {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let mut words = line.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match header_line(&line) {
            None => break,
            Some(header) => headers.push(header),
        }
    }
    let mut asked = Asked { method, target, headers, body: Vec::new() };
    if asked.header("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        loop {
            let mut size = String::new();
            reader.read_line(&mut size).ok()?;
            let size = usize::from_str_radix(size.trim(), 16).ok()?;
            let mut chunk = vec![0; size + 2];
            reader.read_exact(&mut chunk).ok()?;
            asked.body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = asked.header("content-length") {
        asked.body = vec![0; length.parse().ok()?];
        reader.read_exact(&mut asked.body).ok()?;
    }
    Some(asked)
}
