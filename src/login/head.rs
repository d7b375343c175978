//! Reads one request from a connection and refuses whatever is not strictly HTTP/1.1 (RFC 9112).
//!
//! A server's parser is tolerant by design: bare line feeds, blank lines before the request and
//! several framings are accepted. Here nothing is: a head has one meaning or none. What passes is
//! parsed by hyper, which sees these bytes and no others, so that nothing behind them is acted on.

use tokio::io::{AsyncRead, AsyncReadExt};

/// The most bytes of request line and headers.
const HEAD_LIMIT: usize = 16 * 1024;

/// The most bytes of a body.
const BODY_LIMIT: usize = 64 * 1024;

/// The most header lines.
const LINES_LIMIT: usize = 100;

/// Why there is no request.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum NoRequest {
    /// The peer went away, or never sent a whole head.
    Gone,
    /// What it sent is not acceptable, and why.
    Bad(&'static str),
}

use NoRequest::{Bad, Gone};

/// Reads exactly one request: its head and, where `bodies` are taken and it is a POST, its body.
pub(super) async fn read_request<R: AsyncRead + Unpin>(
    stream: &mut R,
    bodies: bool,
) -> Result<Vec<u8>, NoRequest> {
    let mut buffer = Vec::new();
    let mut checked = 0;
    let end = loop {
        if let Some(end) = scan(&buffer, &mut checked)? {
            break end;
        }
        if buffer.len() >= HEAD_LIMIT {
            return Err(Bad("request line and headers over 16 KiB"));
        }
        fill(stream, &mut buffer, HEAD_LIMIT).await?;
    };
    let length = check_head(&buffer[..end - 4])?;
    let is_post = buffer.starts_with(b"POST ");
    if length > 0 && !is_post {
        return Err(Bad("a body where none belongs"));
    }
    if !bodies || !is_post {
        buffer.truncate(end);
        return Ok(buffer);
    }
    if length > BODY_LIMIT {
        return Err(Bad("a body over 64 KiB"));
    }
    let whole = end + length;
    while buffer.len() < whole {
        fill(stream, &mut buffer, whole).await?;
    }
    buffer.truncate(whole);
    Ok(buffer)
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

/// Looks for the end of the head, and refuses a byte that cannot stand in one as soon as it is
/// there. `checked` says how far earlier calls have come.
fn scan(buffer: &[u8], checked: &mut usize) -> Result<Option<usize>, NoRequest> {
    while let Some(&byte) = buffer.get(*checked) {
        let at = *checked;
        let before = at.checked_sub(1).map(|i| buffer[i]);
        match byte {
            b'\n' if before != Some(b'\r') => return Err(Bad("a line end without CR")),
            b'\n' if buffer[..=at].ends_with(b"\r\n\r\n") => return Ok(Some(at + 1)),
            _ if byte != b'\n' && before == Some(b'\r') => return Err(Bad("a CR inside a line")),
            b'\r' if at == 0 => return Err(Bad("a blank line before the request")),
            b'\r' | b'\n' | b'\t' => {}
            0..0x20 | 0x7f => return Err(Bad("a control character")),
            _ => {}
        }
        *checked += 1;
    }
    Ok(None)
}

/// Checks a head without its final blank line, and says how long a body it announces.
fn check_head(head: &[u8]) -> Result<usize, NoRequest> {
    let head = std::str::from_utf8(head).map_err(|_| Bad("a head that is not UTF-8"))?;
    let mut lines = head.split("\r\n");
    check_request_line(lines.next().unwrap_or_default())?;
    let (mut hosts, mut length, mut count) = (0, None, 0);
    for line in lines {
        count += 1;
        if count > LINES_LIMIT {
            return Err(Bad("too many headers"));
        }
        let (name, value) = check_header(line)?;
        match name.as_str() {
            "host" => hosts += 1,
            "transfer-encoding" => return Err(Bad("a transfer coding")),
            "expect" => return Err(Bad("an expectation")),
            "content-length" if length.is_some() => return Err(Bad("a repeated Content-Length")),
            "content-length" => length = Some(parse_length(value)?),
            _ => {}
        }
    }
    match hosts {
        0 => Err(Bad("no Host")),
        1 => Ok(length.unwrap_or(0)),
        _ => Err(Bad("a repeated Host")),
    }
}

fn check_request_line(line: &str) -> Result<(), NoRequest> {
    let mut words = line.split(' ');
    let (method, target, version) = (words.next(), words.next(), words.next());
    let (Some(method), Some(target), Some(version), None) = (method, target, version, words.next())
    else {
        return Err(Bad("a malformed request line"));
    };
    if !is_token(method) || !matches!(version, "HTTP/1.1" | "HTTP/1.0") {
        return Err(Bad("a malformed request line"));
    }
    if !target.starts_with('/') {
        return Err(Bad("a target that is not a path"));
    }
    if !target.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#') {
        return Err(Bad("a target that is not a URI"));
    }
    Ok(())
}

fn check_header(line: &str) -> Result<(String, &str), NoRequest> {
    if line.starts_with([' ', '\t']) {
        return Err(Bad("a folded header"));
    }
    match line.split_once(':') {
        Some((name, value)) if is_token(name) => {
            Ok((name.to_ascii_lowercase(), value.trim_matches([' ', '\t'])))
        }
        _ => Err(Bad("a malformed header")),
    }
}

fn parse_length(value: &str) -> Result<usize, NoRequest> {
    let digits = (1..=10).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit());
    match value.parse() {
        Ok(length) if digits => Ok(length),
        _ => Err(Bad("a malformed Content-Length")),
    }
}

fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8], bodies: bool) -> Result<Vec<u8>, NoRequest> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut stream = bytes;
        runtime.block_on(read_request(&mut stream, bodies))
    }

    #[test]
    fn what_is_behind_a_request_is_left_behind() {
        let get = b"GET /cb?a=b HTTP/1.1\r\nHost: h\r\n\r\n";
        let pipelined = [get.as_slice(), b"GET /x HTTP/1.1\r\nHost: h\r\n\r\n"].concat();
        assert_eq!(read(&pipelined, false).unwrap(), get);
        let post = b"POST /cb HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\na=b";
        let pipelined = [post.as_slice(), b"GET /x HTTP/1.1\r\n\r\n"].concat();
        assert_eq!(read(&pipelined, true).unwrap(), post);
        assert_eq!(read(&pipelined, false).unwrap(), &post[..post.len() - 3]);
    }

    #[test]
    fn a_bare_line_feed_is_refused_before_the_head_is_complete() {
        assert_eq!(read(b"GET / HTTP/1.1\n", false), Err(Bad("a line end without CR")));
        assert_eq!(read(b"\x16\x03\x01", false), Err(Bad("a control character")));
        assert_eq!(read(b"GET / HTTP/1.1\rX", false), Err(Bad("a CR inside a line")));
    }

    #[test]
    fn an_incomplete_request_is_none() {
        assert_eq!(read(b"", false), Err(Gone));
        assert_eq!(read(b"GET / HTTP/1.1\r\nHost: h\r\n", false), Err(Gone));
        let short = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\na=b";
        assert_eq!(read(short, true), Err(Gone));
    }

    #[test]
    fn a_head_of_exactly_the_limit_passes_and_one_byte_more_does_not() {
        let frame = "GET / HTTP/1.1\r\nHost: h\r\nX: \r\n\r\n".len();
        for (size, passes) in [(HEAD_LIMIT, true), (HEAD_LIMIT + 1, false)] {
            let fill = "x".repeat(size - frame);
            let head = format!("GET / HTTP/1.1\r\nHost: h\r\nX: {fill}\r\n\r\n");
            assert_eq!(read(head.as_bytes(), false).is_ok(), passes, "{size}");
        }
    }
}
