//! What a proxy gets to see, and what is said when it fails.

use super::*;

const PASSWORD: &str = "pr0xy-p4ss";

/// Options with a proxy that wants a password, at this address.
fn through(address: std::net::SocketAddr) -> Options {
    let url = format!("http://someone:{PASSWORD}@{address}");
    Options { proxy: Proxy::Url(Secret::new(url)), ..Options::default() }
}

fn address_of(url: &str) -> std::net::SocketAddr {
    Url::parse(url).unwrap().socket_addrs(|| None).unwrap()[0]
}

#[tokio::test]
async fn loopback_targets_never_go_through_a_proxy() {
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let options = through(proxy.local_addr().unwrap());
    let url = says("HTTP/1.1 204 No Content\r\n\r\n").await;
    assert_eq!(send(options.clone(), &url).await.unwrap().status, 204);
    // A server without TLS: that it was reached, and not the proxy, is enough here.
    let target = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = target.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = target.accept().await.unwrap();
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        pending::<()>().await;
    });
    let error = fail(options, &format!("https://{address}/")).await;
    assert_eq!((error.not_sent, error.message), (true, format!("{address} does not speak TLS")));
    let visit = proxy.accept().map(|_| ()).map_err(|error| error.kind());
    assert_eq!(visit, Err(std::io::ErrorKind::WouldBlock));
}

#[tokio::test]
async fn proxy_gets_a_connect_request_and_nothing_else() {
    for (answer, expected) in [
        ("HTTP/1.1 407 Who are you\r\n\r\n", "requires a user name and a password"),
        ("HTTP/1.1 403 No\r\n\r\n", "it refused"),
        ("HTTP/1.1 302 Go\r\nLocation: http://127.0.0.1/\r\n\r\n", "it refused"),
        ("", "it refused"),
    ] {
        let (url, served) = server(async |mut stream| {
            stream.write_all(answer.as_bytes()).await.unwrap();
        })
        .await;
        let error = fail(through(address_of(&url)), "https://as.invalid/token").await;
        assert!(error.not_sent);
        assert!(error.message.contains("cannot reach as.invalid through the proxy"), "{error:?}");
        assert!(error.message.contains(expected), "{error:?}");
        assert!(!format!("{error:?}").contains(PASSWORD), "{error:?}");
        let request = served.await.unwrap();
        assert!(request.starts_with("CONNECT as.invalid:443 HTTP/1.1\r\n"), "{request}");
        assert!(request.to_lowercase().contains("proxy-authorization: basic "), "{request}");
        assert!(!request.contains(CANARY), "{request}");
    }
}

#[tokio::test]
async fn proxy_that_is_not_there_is_named_as_the_reason() {
    for scheme in ["http", "socks5h"] {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let proxy = Proxy::Url(Secret::new(format!("{scheme}://u:{PASSWORD}@{address}")));
        let error = fail(Options { proxy, ..Options::default() }, "https://as.invalid/").await;
        assert!(error.not_sent);
        let expected = "cannot reach as.invalid through the proxy: it is unreachable";
        assert_eq!(error.message, expected);
    }
}

#[tokio::test]
async fn proxy_that_stalls_counts_as_time_to_connect() {
    let (url, _served) = server(async |_stream| pending::<()>().await).await;
    let connect_timeout = Duration::from_millis(150);
    let options = Options { connect_timeout, ..through(address_of(&url)) };
    let error = fail(options, "https://as.invalid/").await;
    assert!(error.not_sent);
    assert_eq!(error.message, "cannot reach as.invalid through the proxy within 0.15 s");
}

#[tokio::test]
async fn invalid_proxy_is_refused_without_being_shown() {
    let proxy = Proxy::Url(Secret::new(format!("http://u:{PASSWORD}@[nonsense")));
    let error = fail(Options { proxy, ..Options::default() }, "https://as.invalid/").await;
    assert_eq!((error.not_sent, error.message.as_str()), (true, "the URL of the proxy is invalid"));
    assert!(error.misconfigured);
}
