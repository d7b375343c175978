//! A browser that answers at once: it follows redirects with cookies over plain TCP, until a page comes.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::ExitCode;

use url::Url;

/// What a server answered.
pub struct Answer {
    pub status: u16,
    headers: Vec<(String, String)>,
    pub body: String,
}

impl Answer {
    fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.headers.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }
}

/// The helper mode: visits the URL, and is content with any page.
pub fn main(url: &str) -> ExitCode {
    let (_, last) = visit(url, None);
    if last.status == 200 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Walks from a URL to the page at the end, and gives that page and where it is. With `until`, it ends
/// where a redirect leads to a URL that begins so, and does not go there.
pub fn visit(url: &str, until: Option<&str>) -> (Url, Answer) {
    let mut at = Url::parse(url).unwrap();
    let mut cookies = BTreeMap::new();
    loop {
        let cookie: Vec<String> = cookies.iter().map(|(n, v)| format!("{n}={v}")).collect();
        let answer = send("GET", &at, &format!("Cookie: {}\r\n", cookie.join("; ")), "");
        for set in answer.all("set-cookie") {
            let (name, value) = set.split(';').next().unwrap().split_once('=').unwrap();
            cookies.insert(name.to_owned(), value.to_owned());
        }
        let Some(next) = answer.all("location").next().map(|next| at.join(next).unwrap()) else {
            return (at, answer);
        };
        if until.is_some_and(|until| next.as_str().starts_with(until)) {
            return (next, answer);
        }
        at = next;
    }
}

/// One request on a connection of its own.
pub fn send(method: &str, url: &Url, headers: &str, body: &str) -> Answer {
    let authority = &url[url::Position::BeforeHost..url::Position::AfterPort];
    let target = &url[url::Position::BeforePath..url::Position::AfterQuery];
    let mut stream = TcpStream::connect(authority).unwrap();
    stream.set_nodelay(true).unwrap();
    let request = format!(
        "{method} {target} HTTP/1.1\r\nHost: {authority}\r\nAccept: text/html\r\n{headers}\
         Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut lines = head.lines();
    let status = lines.next().unwrap_or_default().split(' ').nth(1).unwrap_or("0").parse().unwrap();
    let headers = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    Answer { status, headers, body: body.to_owned() }
}
