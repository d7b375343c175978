//! Against raw servers on the loopback interface, which can misbehave in ways no library would.

mod proxies;
mod tls;

use std::future::{Future, pending};
use std::io::Write as _;
use std::path::PathBuf;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::profile::endpoint::is_loopback;

/// Stands for a secret in a URL; no message may show it.
const CANARY: &str = "c4n4ry";
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";

fn request(url: &str) -> HttpRequest {
    HttpRequest {
        purpose: "token request",
        method: Method::Post,
        url: Url::parse(url).unwrap(),
        headers: vec![
            ("Accept".to_owned(), "application/json".to_owned()),
            ("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned()),
        ],
        body: Zeroizing::new(format!("code={CANARY}").into_bytes()),
    }
}

fn options() -> Options {
    Options { proxy: Proxy::Direct, ..Options::default() }
}

async fn send(options: Options, url: &str) -> Result<HttpResponse, HttpError> {
    HttpClient::new(options).send(&request(&format!("{url}?code={CANARY}"))).await
}

/// Sends, and expects a failure that shows no secret.
async fn fail(options: Options, url: &str) -> HttpError {
    let error = send(options, url).await.expect_err("there should be no answer");
    assert!(!format!("{error:?}").contains(CANARY), "{error:?}");
    error
}

/// Reads a request whose body is as long as it says.
async fn read_request<S: AsyncReadExt + Unpin>(stream: &mut S) -> String {
    let mut read = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            if body.len() >= length.map_or(0, |length| length.parse().unwrap()) {
                return text;
            }
        }
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await.unwrap_or(0) {
            0 => return text,
            count => read.extend_from_slice(&buffer[..count]),
        }
    }
}

/// A server for one connection: reads a request, then plays the script. Gives its URL, and the
/// request once the script has ended.
async fn server<F, S>(script: S) -> (String, JoinHandle<String>)
where
    S: FnOnce(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/token", listener.local_addr().unwrap());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let request = read_request(&mut stream).await;
        script(stream).await;
        request
    });
    (url, served)
}

/// A server that sends these bytes and closes the connection.
async fn says(bytes: impl Into<Vec<u8>>) -> String {
    let bytes = bytes.into();
    server(async move |mut stream| {
        // The client may have heard enough before the end.
        let _ = stream.write_all(&bytes).await;
        let _ = stream.shutdown().await;
    })
    .await
    .0
}

fn gzipped(content: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(content).unwrap();
    encoder.finish().unwrap()
}

#[tokio::test]
async fn request_and_response_arrive_unchanged() {
    let (url, served) = server(async |mut stream| {
        let answer = format!("{OK}X-Two: a\r\nX-Two: b\r\nContent-Length: 2\r\n\r\n{{}}");
        stream.write_all(answer.as_bytes()).await.unwrap();
    })
    .await;
    let answer = send(options(), &url).await.unwrap();
    assert_eq!((answer.status, answer.body.as_slice()), (200, b"{}".as_slice()));
    let two = answer.headers.iter().filter(|(name, _)| name == "x-two").count();
    assert_eq!(two, 2);
    let request = served.await.unwrap();
    assert!(request.starts_with("POST /token?code=c4n4ry HTTP/1.1\r\n"), "{request}");
    assert!(request.ends_with("\r\n\r\ncode=c4n4ry"), "{request}");
    let version = env!("CARGO_PKG_VERSION");
    assert!(request.contains(&format!("user-agent: oauthctl/{version}\r\n")), "{request}");
    assert_eq!(request.matches("accept: ").count(), 1, "{request}");
}

#[tokio::test]
async fn redirect_is_returned_and_not_followed() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        elsewhere.set_nonblocking(true).unwrap();
        let location = elsewhere.local_addr().unwrap();
        let url = says(format!(
            "HTTP/1.1 {status} X\r\nLocation: http://{location}/\r\nContent-Length: 0\r\n\r\n"
        ))
        .await;
        assert_eq!(send(options(), &url).await.unwrap().status, status);
        let visit = elsewhere.accept().map(|_| ()).map_err(|error| error.kind());
        assert_eq!(visit, Err(std::io::ErrorKind::WouldBlock));
    }
}

#[tokio::test]
async fn error_status_is_returned_as_a_response() {
    let url = says("HTTP/1.1 503 Busy\r\nRetry-After: 2\r\nContent-Length: 0\r\n\r\n").await;
    let answer = send(options(), &url).await.unwrap();
    assert_eq!((answer.status, answer.header("retry-after")), (503, Some("2")));
}

#[tokio::test]
async fn endless_headers_or_body_time_out() {
    for beginning in
        ["HTTP/1.1 200 OK\r\nContent-", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{"]
    {
        let (url, _served) = server(async |mut stream| {
            stream.write_all(beginning.as_bytes()).await.unwrap();
            pending::<()>().await;
        })
        .await;
        let limit = Duration::from_millis(150);
        let error = fail(Options { total_timeout: limit, ..options() }, &url).await;
        assert!(!error.not_sent);
        assert!(error.message.contains("within 0.15 s"), "{}", error.message);
    }
}

#[tokio::test]
async fn endless_chunks_end_at_the_limit() {
    let (url, served) = server(async |mut stream| {
        let head = format!("{OK}Transfer-Encoding: chunked\r\n\r\n");
        let chunk = format!("1000\r\n{}\r\n", "x".repeat(0x1000));
        let mut going = stream.write_all(head.as_bytes()).await;
        while going.is_ok() {
            going = stream.write_all(chunk.as_bytes()).await;
        }
    })
    .await;
    let error = fail(options(), &url).await;
    assert_eq!(error.message, "the body of the response from 127.0.0.1 exceeds 1024 KiB");
    assert!(!error.not_sent);
    // The connection was closed, or the server would still be writing.
    served.await.unwrap();
}

#[tokio::test]
async fn body_up_to_the_limit_is_accepted() {
    for (size, fits) in [(MAX_BODY, true), (MAX_BODY + 1, false)] {
        let url = says(format!("{OK}Content-Length: {size}\r\n\r\n{}", "x".repeat(size))).await;
        let answer = send(options(), &url).await;
        assert_eq!(answer.is_ok_and(|answer| answer.body.len() == size), fits, "{size}");
    }
}

#[tokio::test]
async fn compressed_bodies_count_as_what_they_become() {
    for (content, fits) in [(b"{}".to_vec(), true), (vec![b' '; 64 * MAX_BODY], false)] {
        let packed = gzipped(&content);
        assert!(packed.len() < MAX_BODY);
        let head =
            format!("{OK}Content-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", packed.len());
        let url = says([head.as_bytes(), packed.as_slice()].concat()).await;
        match send(options(), &url).await {
            Ok(answer) => assert!(fits && *answer.body == content),
            Err(error) => assert!(!fits && error.message.contains("exceeds"), "{error:?}"),
        }
    }
}

#[tokio::test]
async fn undecodable_body_is_reported() {
    let large = format!("X-A: {}\r\n", "y".repeat(1024)).repeat(80);
    let many = "X: y\r\n".repeat(10_000);
    for (answer, expected) in [
        (format!("{OK}Content-Length: 9\r\n\r\n{{"), "was interrupted"),
        (format!("{OK}Transfer-Encoding: chunked\r\n\r\n5\r\nab"), "was interrupted"),
        (format!("{OK}Transfer-Encoding: chunked\r\n\r\nzz\r\nab"), "cannot be decoded"),
        (
            format!("{OK}Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope"),
            "cannot be decoded",
        ),
        (format!("{OK}{large}Content-Length: 0\r\n\r\n"), "head of the response"),
        (format!("{OK}{many}Content-Length: 0\r\n\r\n"), "head of the response"),
        ("SSH-2.0-OpenSSH_9.6\r\n\r\n".to_owned(), "not HTTP"),
        (String::new(), "without a response"),
    ] {
        let error = fail(options(), &says(answer).await).await;
        assert!(error.message.contains(expected), "{} lacks {expected}", error.message);
        assert!(!error.not_sent, "{}", error.message);
    }
}

#[tokio::test]
async fn bytes_after_the_body_are_not_part_of_it() {
    let url = says(format!("{OK}Content-Length: 2\r\n\r\n{{}}GET / HTTP/1.1\r\n")).await;
    assert_eq!(send(options(), &url).await.unwrap().body.as_slice(), b"{}");
}

#[tokio::test]
async fn closed_port_proves_that_nothing_was_sent() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = fail(options(), &format!("http://{address}/token")).await;
    assert!(error.not_sent);
    assert_eq!(error.message, format!("cannot connect to {address}: connection refused"));
}

#[tokio::test]
async fn forbidden_request_is_refused_before_connecting() {
    for (url, expected) in [
        ("http://oauthctl.invalid/token", "without TLS"),
        ("http://localhost.example.invalid/", "without TLS"),
        ("http://192.0.2.1/", "without TLS"),
        ("http://[::ffff:127.0.0.1]/", "without TLS"),
        ("http://0.0.0.0/", "without TLS"),
        ("ftp://127.0.0.1/", "`ftp`"),
        ("file:///etc/passwd", "`file`"),
        ("https://me:c4n4ry@127.0.0.1/", "a user name or a password"),
    ] {
        let error = fail(options(), url).await;
        assert!(error.not_sent && error.message.contains(expected), "{url}: {error:?}");
    }
}

#[tokio::test]
async fn malformed_header_is_refused_without_being_shown() {
    let mut request = request("http://127.0.0.1:9/");
    request.headers.push(("Authorization".to_owned(), format!("Bearer {CANARY}\r\nX: y")));
    let error = HttpClient::new(options()).send(&request).await.unwrap_err();
    assert!(error.not_sent);
    assert_eq!(error.message, "the token request is malformed");
}

#[tokio::test]
async fn localhost_is_this_machine_on_either_family() {
    for address in ["127.0.0.1:0", "[::1]:0"] {
        let Ok(listener) = TcpListener::bind(address).await else {
            assert!(address.starts_with('['), "there must be IPv4");
            continue;
        };
        let port = listener.local_addr().unwrap().port();
        let served = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            read_request(&mut stream).await;
            stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await.unwrap();
        });
        let answer = send(options(), &format!("http://localhost:{port}/")).await.unwrap();
        assert_eq!(answer.status, 204);
        served.await.unwrap();
    }
}

#[tokio::test]
async fn plain_loopback_needs_no_certificates() {
    let url = says("HTTP/1.1 204 No Content\r\n\r\n").await;
    let missing = Some(PathBuf::from("/nonexistent/ca.pem"));
    assert_eq!(send(Options { ca_file: missing, ..options() }, &url).await.unwrap().status, 204);
}

#[test]
fn loopback_is_what_the_numbers_say() {
    for (url, expected) in [
        ("http://127.0.0.1", true),
        ("http://127.255.0.9:1", true),
        ("http://[::1]", true),
        ("http://LOCALHOST", true),
        ("http://128.0.0.1", false),
        ("http://[::2]", false),
        ("http://localhost.", false),
        ("http://127.0.0.1.nip.invalid", false),
        ("urn:a:b", false),
    ] {
        assert_eq!(is_loopback(&Url::parse(url).unwrap()), expected, "{url}");
    }
}
