//! Reads one request from a connection, and refuses everything that is not strictly HTTP/1.1 (RFC 9112).
//!
//! A server's parser is tolerant by design: it accepts bare line feeds, blank lines before the request and
//! several framings. This one accepts none of them: a head has exactly one meaning or is refused. hyper
//! sees only the method, the path and the fields that are used, so nothing behind them has an effect. The
//! values of all other fields (cookies of other programs on this host, for instance) are ignored.

use tokio::io::{AsyncRead, AsyncReadExt};

/// Maximum size of request line and headers, in bytes.
const HEAD_LIMIT: usize = 64 * 1024;

/// Maximum size of a request line, in bytes.
const REQUEST_LINE_LIMIT: usize = 32 * 1024;

/// Maximum size of a body, in bytes.
const BODY_LIMIT: usize = 64 * 1024;

/// Maximum number of header lines.
const LINES_LIMIT: usize = 100;

/// Why there is no request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoRequest {
    /// The peer disconnected, or never sent a whole head.
    Gone,
    /// The request is not acceptable, for this reason.
    Bad(&'static str),
}

use NoRequest::{Bad, Gone};

/// A request whose head has one meaning.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct RawRequest {
    /// What hyper parses: the request line without its query, and the fields that are used.
    pub(super) head: Vec<u8>,
    /// The query, still encoded.
    pub(super) query: Vec<u8>,
    /// The body, if bodies are accepted.
    pub(super) body: Vec<u8>,
}

crate::redact::debug::redacted_debug!(RawRequest {
    head,
    query => hidden,
    body => hidden,
});

/// Reads exactly one request: its head and, where `bodies` are accepted and it is a POST, its body.
pub(super) async fn read_request<R: AsyncRead + Unpin>(
    stream: &mut R,
    bodies: bool,
) -> Result<RawRequest, NoRequest> {
    let mut buffer = Vec::new();
    let mut scan = Scan::default();
    let end = loop {
        if let Some(end) = scan.end(&buffer)? {
            break end;
        }
        if buffer.len() >= HEAD_LIMIT {
            return Err(Bad("request line and headers longer than 64 KiB"));
        }
        fill(stream, &mut buffer, HEAD_LIMIT).await?;
    };
    let (mut request, length) = check_head(&buffer[..end - 4], bodies)?;
    let is_post = request.head.starts_with(b"POST ");
    if length > 0 && !is_post {
        return Err(Bad("an unexpected body"));
    }
    if !bodies || !is_post {
        return Ok(request);
    }
    if length > BODY_LIMIT {
        return Err(Bad("a body longer than 64 KiB"));
    }
    let whole = end + length;
    while buffer.len() < whole {
        fill(stream, &mut buffer, whole).await?;
    }
    request.body = buffer[end..whole].to_vec();
    Ok(request)
}

async fn fill<R: AsyncRead + Unpin>(
    stream: &mut R,
    buffer: &mut Vec<u8>,
    limit: usize,
) -> Result<(), NoRequest> {
    let room = u64::try_from(limit - buffer.len()).unwrap_or(u64::MAX);
    match stream.take(room).read_buf(buffer).await {
        Ok(read) if read > 0 => Ok(()),
        _ => Err(Gone),
    }
}

/// How far a head has been scanned.
#[derive(Default)]
struct Scan {
    checked: usize,
    is_in_fields: bool,
}

impl Scan {
    /// Looks for the end of the head, and refuses an invalid byte as soon as it arrives.
    fn end(&mut self, buffer: &[u8]) -> Result<Option<usize>, NoRequest> {
        while let Some(&byte) = buffer.get(self.checked) {
            let at = self.checked;
            let before = at.checked_sub(1).map(|i| buffer[i]);
            match byte {
                b'\n' if before != Some(b'\r') => return Err(Bad("a line ending without CR")),
                b'\n' if buffer[..=at].ends_with(b"\r\n\r\n") => return Ok(Some(at + 1)),
                b'\n' => self.is_in_fields = true,
                _ if before == Some(b'\r') => return Err(Bad("a CR inside a line")),
                b'\r' if at == 0 => return Err(Bad("a blank line before the request")),
                b'\r' | b'\t' => {}
                0 => return Err(Bad("a NUL")),
                // Fields may contain the other control characters (RFC 9110, section 5.5).
                0..0x20 | 0x7f if !self.is_in_fields => return Err(Bad("a control character")),
                _ => {}
            }
            self.checked += 1;
            let with_cr = REQUEST_LINE_LIMIT + 1;
            if !self.is_in_fields && self.checked > with_cr {
                return Err(Bad("a request line longer than 32 KiB"));
            }
        }
        Ok(None)
    }
}

/// Checks a head without its final blank line, and returns the length of the body that it announces.
fn check_head(head: &[u8], bodies: bool) -> Result<(RawRequest, usize), NoRequest> {
    let lines = head.split(|byte| *byte == b'\n');
    let mut lines = lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    let mut request = check_request_line(lines.next().unwrap_or_default())?;
    let (mut hosts, mut length, mut count) = (0, None, 0);
    for line in lines {
        count += 1;
        if count > LINES_LIMIT {
            return Err(Bad("too many headers"));
        }
        let (name, value) = check_header(line)?;
        match name.as_str() {
            "transfer-encoding" => return Err(Bad("a Transfer-Encoding header")),
            "expect" => return Err(Bad("an Expect header")),
            "content-length" if length.is_some() => {
                return Err(Bad("a repeated Content-Length header"));
            }
            "content-length" => length = Some(parse_length(value)?),
            "host" => hosts += 1,
            "content-type" if bodies => {}
            "sec-purpose" | "purpose" | "x-purpose" | "x-moz" if is_text(value) => {}
            _ => continue,
        }
        if !is_text(value) {
            return Err(Bad("a header that is not valid UTF-8"));
        }
        // The body is read here, so its length does not concern hyper.
        if name != "content-length" {
            let field = [name.as_bytes(), b": ", value, b"\r\n"].concat();
            request.head.extend_from_slice(&field);
        }
    }
    request.head.extend_from_slice(b"\r\n");
    match hosts {
        0 => Err(Bad("no Host header")),
        1 => Ok((request, length.unwrap_or(0))),
        _ => Err(Bad("a repeated Host header")),
    }
}

/// Removes the query from a request line. It may contain any byte except white space, control characters
/// and `#`: its parameters are validated one by one.
fn check_request_line(line: &[u8]) -> Result<RawRequest, NoRequest> {
    let mut words = line.split(|byte| *byte == b' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let (Some(method), Some(target), Some(version), None) = (method, target, version, words.next())
    else {
        return Err(Bad("a malformed request line"));
    };
    if !is_token(method) || !matches!(version, b"HTTP/1.1" | b"HTTP/1.0") {
        return Err(Bad("a malformed request line"));
    }
    if !target.starts_with(b"/") {
        return Err(Bad("a target that is not a path"));
    }
    let path_end = target.iter().position(|byte| *byte == b'?').unwrap_or(target.len());
    let (path, query) = target.split_at(path_end);
    let is_of_uri = |byte: &u8| byte.is_ascii_graphic() && *byte != b'#';
    if !path.iter().all(is_of_uri) || !query.iter().all(|byte| is_of_uri(byte) || *byte >= 0x80) {
        return Err(Bad("a target that is not a URI"));
    }
    Ok(RawRequest {
        head: [method, b" ", path, b" ", version, b"\r\n"].concat(),
        query: query.get(1..).unwrap_or_default().to_vec(),
        body: Vec::new(),
    })
}

fn check_header(line: &[u8]) -> Result<(String, &[u8]), NoRequest> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Err(Bad("a folded header"));
    }
    let colon = line.iter().position(|byte| *byte == b':').ok_or(Bad("a malformed header"))?;
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    match std::str::from_utf8(name) {
        Ok(text) if is_token(name) => Ok((text.to_ascii_lowercase(), value.trim_ascii())),
        _ => Err(Bad("a malformed header")),
    }
}

fn parse_length(value: &[u8]) -> Result<usize, NoRequest> {
    let digits = (1..=10).contains(&value.len()) && value.iter().all(u8::is_ascii_digit);
    match std::str::from_utf8(value).map(str::parse) {
        Ok(Ok(length)) if digits => Ok(length),
        _ => Err(Bad("a malformed Content-Length header")),
    }
}

fn is_text(value: &[u8]) -> bool {
    let text = std::str::from_utf8(value);
    text.is_ok_and(|text| text.chars().all(|c| c == '\t' || !c.is_ascii_control()))
}

fn is_token(text: &[u8]) -> bool {
    !text.is_empty()
        && text.iter().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], bodies: bool) -> Result<RawRequest, NoRequest> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut stream = bytes;
        runtime.block_on(read_request(&mut stream, bodies))
    }

    fn request(head: &str, query: &[u8], body: &[u8]) -> RawRequest {
        RawRequest { head: head.into(), query: query.to_vec(), body: body.to_vec() }
    }

    #[test]
    fn bytes_after_a_request_are_ignored() {
        let get = b"GET /cb?a=b HTTP/1.1\r\nHost: h\r\n\r\n";
        let pipelined = [get.as_slice(), b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"].concat();
        let expected = request("GET /cb HTTP/1.1\r\nhost: h\r\n\r\n", b"a=b", b"");
        assert_eq!(read(&pipelined, false), Ok(expected));
        let post = b"POST /cb HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na=b";
        let pipelined = [post.as_slice(), b"GET /x HTTP/1.1\r\n\r\n"].concat();
        let head = "POST /cb HTTP/1.1\r\nhost: h\r\n\r\n";
        assert_eq!(read(&pipelined, true), Ok(request(head, b"", b"a=b")));
        assert_eq!(read(&pipelined, false), Ok(request(head, b"", b"")));
    }

    #[test]
    fn bare_line_feed_is_refused_in_a_partial_head() {
        assert_eq!(read(b"GET / HTTP/1.1\n", false), Err(Bad("a line ending without CR")));
        assert_eq!(read(b"\x16\x03\x01", false), Err(Bad("a control character")));
        assert_eq!(read(b"GET / HTTP/1.1\rX", false), Err(Bad("a CR inside a line")));
    }

    #[test]
    fn incomplete_request_means_the_client_is_gone() {
        assert_eq!(read(b"", false), Err(Gone));
        assert_eq!(read(b"GET / HTTP/1.1\r\nHost: h\r\n", false), Err(Gone));
        let short = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\na=b";
        assert_eq!(read(short, true), Err(Gone));
    }

    #[test]
    fn head_of_the_limit_passes_and_a_byte_more_fails() {
        let frame = "GET / HTTP/1.1\r\nHost: h\r\nX: \r\n\r\n".len();
        for (size, passes) in [(HEAD_LIMIT, true), (HEAD_LIMIT + 1, false)] {
            let fill = "x".repeat(size - frame);
            let head = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {fill}\r\n\r\n");
            assert_eq!(read(head.as_bytes(), false).is_ok(), passes, "{size}");
        }
        let frame = "GET /? HTTP/1.1".len();
        for (size, passes) in [(REQUEST_LINE_LIMIT, true), (REQUEST_LINE_LIMIT + 1, false)] {
            let fill = "x".repeat(size - frame);
            let head = format!("GET /?{fill} HTTP/1.1\r\nHost: h\r\n\r\n");
            assert_eq!(read(head.as_bytes(), false).is_ok(), passes, "{size}");
        }
    }

    #[test]
    fn unused_header_may_hold_any_bytes() {
        let cookie = "c".repeat(20 * 1024);
        let plain = request("GET /cb HTTP/1.1\r\nhost: h\r\n\r\n", b"a=\xfc", b"");
        for field in [
            &[b"Cookie: a=", cookie.as_bytes(), b"; b=", cookie.as_bytes()].concat(),
            b"Cookie: name=f\xfcr".as_slice(),
            b"Cookie: a=\x1b[31m\x7f\x01",
            b"Cookie:\xc3",
            b"Referer: http://localhost/\xe4",
            b"X-Moz: \xff",
            b"Content-Type: \xff",
            b"User-Agent:",
        ] {
            let head = [b"GET /cb?a=\xfc HTTP/1.1\r\nHost: h\r\n", field, b"\r\n\r\n"].concat();
            assert_eq!(read(&head, false), Ok(plain.clone()), "{field:?}");
        }
        for field in [&b"Content-Type: \xe4"[..], b"Content-Length: \xe4", b"Host: \x1b", b"X: \0"]
        {
            let head = [b"POST / HTTP/1.1\r\n", field, b"\r\n\r\n"].concat();
            assert!(matches!(read(&head, true), Err(Bad(_))), "{field:?}");
        }
    }
}
