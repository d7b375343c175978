//! A client of HTTP/1.1 without a policy of its own: it sends what it is told, follows nothing, and shows what
//! came. The tests of the broker compile this file too.

use std::io::{Read, Write};
use std::net::TcpStream;

use url::{Position, Url};

use super::process::DEADLINE;

/// A response.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Reply {
    /// Reads all that came until the connection ended. `None` if that is no response.
    pub fn parse(raw: &[u8]) -> Option<Self> {
        let end = raw.windows(4).position(|window| window == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&raw[..end]);
        let mut lines = head.split("\r\n");
        let status = lines.next()?.split(' ').nth(1)?.parse().ok()?;
        let headers = lines.map(header_line).collect::<Option<_>>()?;
        let body = String::from_utf8_lossy(&raw[end + 4..]).into_owned();
        Some(Self { status, headers, body })
    }

    /// The only header of this name.
    #[track_caller]
    pub fn header(&self, name: &str) -> Option<&str> {
        only(&self.headers, name)
    }

    /// The response, if it has this status.
    #[track_caller]
    pub fn with(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

/// The name in lower case and the value of a header line.
pub fn header_line(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.to_ascii_lowercase(), value.trim().to_owned()))
}

/// The only header of this name.
#[track_caller]
pub fn only<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = headers.iter().filter(|(known, _)| known == name);
    let first = found.next().map(|(_, value)| value.as_str());
    assert!(found.next().is_none(), "{name} twice: {headers:?}");
    first
}

/// Writes these bytes as they are, and reads until the connection ends, by whatever means.
pub fn exchange(authority: &str, bytes: impl AsRef<[u8]>) -> Option<Reply> {
    Reply::parse(&exchange_bytes(authority, bytes.as_ref())?)
}

fn exchange_bytes(authority: &str, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut stream = TcpStream::connect(authority).ok()?;
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    // A refusal may come, and the connection end, before all is written.
    let _ = stream.write_all(bytes);
    let mut raw = Vec::new();
    let _ = stream.read_to_end(&mut raw);
    Some(raw)
}

/// Requests a URL with these header lines, each with its line end. A `Host` among them takes the place of the
/// URL's. The body of the reply is what its framing says.
#[track_caller]
pub fn request(method: &str, url: &str, lines: &str, body: &str) -> Option<Reply> {
    let url = Url::parse(url).unwrap_or_else(|error| panic!("{error}: {url}"));
    assert_eq!(url.scheme(), "http", "{url}");
    let authority = &url[Position::BeforeHost..Position::AfterPort];
    let target = &url[Position::BeforePath..Position::AfterQuery];
    let host = match lines.contains("Host: ") {
        true => String::new(),
        false => format!("Host: {authority}\r\n"),
    };
    let length = match body {
        "" if method == "GET" => String::new(),
        _ => format!("Content-Length: {}\r\n", body.len()),
    };
    let head = format!("{method} {target} HTTP/1.1\r\n{host}{lines}{length}Connection: close\r\n");
    let raw = exchange_bytes(authority, format!("{head}\r\n{body}").as_bytes())?;
    let mut reply = Reply::parse(&raw)?;
    let is_chunked = |(name, value): &(String, String)| {
        name == "transfer-encoding" && value.eq_ignore_ascii_case("chunked")
    };
    if reply.headers.iter().any(is_chunked) {
        let begin = raw.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
        if let Some(content) = unchunked(&raw[begin..]) {
            reply.body = String::from_utf8_lossy(&content).into_owned();
        }
    }
    Some(reply)
}

/// Requests a URL.
#[track_caller]
pub fn get(url: &str) -> Option<Reply> {
    request("GET", url, "", "")
}

/// The content of a chunked body that is complete.
fn unchunked(mut body: &[u8]) -> Option<Vec<u8>> {
    let mut content = Vec::new();
    loop {
        let end = body.windows(2).position(|window| window == b"\r\n")?;
        let size = std::str::from_utf8(&body[..end]).ok()?.split(';').next()?.trim();
        let size = usize::from_str_radix(size, 16).ok()?;
        if size == 0 {
            return Some(content);
        }
        let rest = &body[end + 2..];
        content.extend_from_slice(rest.get(..size)?);
        body = rest.get(size..)?.strip_prefix(b"\r\n")?;
    }
}
