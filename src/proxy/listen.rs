//! Where the proxy listens: on a loopback address, or on a Unix socket.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

use oauthctl_core::text::one_line;
use oauthctl_core::{Error, Result};
use tokio::net::{TcpListener, TcpStream};

use super::forward::Peer;
#[cfg(unix)]
use crate::socket::Socket;

/// Where to listen, as the user says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// A loopback address.
    Loopback(SocketAddr),
    /// A Unix socket.
    Socket(PathBuf),
}

impl Default for Place {
    fn default() -> Self {
        Self::Loopback((Ipv4Addr::LOCALHOST, 0).into())
    }
}

impl Place {
    /// Parses `ADDR`, `ADDR:PORT`, a port, or `unix:PATH`.
    ///
    /// # Errors
    ///
    /// Returns `Usage` for an address that is not one of this machine alone.
    pub fn read(text: &str) -> Result<Self> {
        if let Some(path) = text.strip_prefix("unix:") {
            return match path.is_empty() {
                false => Ok(Self::Socket(path.into())),
                true => Err(Error::usage("`unix:` must be followed by a path")),
            };
        }
        let port = text.strip_prefix(':').unwrap_or(text);
        let address = match (port.parse::<u16>(), text.strip_prefix("localhost")) {
            (Ok(port), _) => Some(SocketAddr::from((Ipv4Addr::LOCALHOST, port))),
            (_, Some("")) => Some(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))),
            (_, Some(port)) => {
                let port = port.strip_prefix(':').and_then(|port| port.parse::<u16>().ok());
                port.map(|port| (Ipv4Addr::LOCALHOST, port).into())
            }
            (_, None) => text.parse().ok().or_else(|| {
                let host = text.trim_start_matches('[').trim_end_matches(']');
                Some(SocketAddr::new(host.parse().ok()?, 0))
            }),
        };
        match address {
            Some(address) if address.ip().is_loopback() => Ok(Self::Loopback(address)),
            _ => Err(Error::usage(format!("cannot listen on `{}`: it is not a loopback address", one_line(text)))
                .hint("use `127.0.0.1:PORT` or `unix:PATH`; a container can mount the directory of a Unix socket")),
        }
    }
}

/// An open listener.
pub enum Listener {
    /// On a loopback address.
    Tcp(TcpListener),
    /// On a Unix socket, which is removed at the end.
    #[cfg(unix)]
    Unix(Socket),
}

/// A connection.
pub enum Stream {
    /// On a loopback address.
    Tcp(TcpStream),
    /// On a Unix socket.
    #[cfg(unix)]
    Unix(tokio::net::UnixStream),
}

impl Listener {
    /// Opens a listener. Requires a runtime.
    ///
    /// # Errors
    ///
    /// Returns `Unavailable` if the address is in use, and `Usage` if a Unix socket cannot be made there.
    pub async fn open(place: &Place) -> Result<Self> {
        match place {
            Place::Loopback(address) => match TcpListener::bind(address).await {
                Ok(listener) => Ok(Self::Tcp(listener)),
                Err(error) => {
                    Err(Error::unavailable(format!("cannot listen on {address}: {error}"))
                        .hint("choose another port, or omit `--listen` for one that is free")
                        .caused_by(&error))
                }
            },
            #[cfg(unix)]
            Place::Socket(path) => Socket::bind(path).map(Self::Unix),
            #[cfg(not(unix))]
            Place::Socket(_) => Err(Error::usage("this system has no Unix sockets")),
        }
    }

    /// Returns the names under which clients address it; the first one is that of the URL.
    pub fn hosts(&self) -> Vec<String> {
        match self {
            Self::Tcp(listener) => {
                let Ok(address) = listener.local_addr() else { return Vec::new() };
                let mut hosts = vec![address.to_string()];
                if [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()].contains(&address.ip())
                {
                    hosts.push(format!("localhost:{}", address.port()));
                }
                // Clients leave out the usual port.
                if address.port() == 80 {
                    let short: Vec<_> = hosts
                        .iter()
                        .filter_map(|h| h.strip_suffix(":80"))
                        .map(str::to_owned)
                        .collect();
                    hosts.extend(short);
                }
                hosts
            }
            #[cfg(unix)]
            Self::Unix(_) => vec!["localhost".to_owned()],
        }
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    ///
    /// Returns an error that concerns one connection, or a lack of descriptors.
    pub async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept().await?;
                let _ = stream.set_nodelay(true);
                Ok((Stream::Tcp(stream), Peer { pid: None }))
            }
            #[cfg(unix)]
            Self::Unix(socket) => {
                let (stream, _) = socket.listener().accept().await?;
                let pid = stream.peer_cred().ok().and_then(|peer| peer.pid());
                Ok((Stream::Unix(stream), Peer { pid }))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_listened_to() {
        for (text, address) in [
            ("8080", "127.0.0.1:8080"),
            (":0", "127.0.0.1:0"),
            ("127.0.0.1", "127.0.0.1:0"),
            ("127.0.0.2:99", "127.0.0.2:99"),
            ("localhost", "127.0.0.1:0"),
            ("localhost:99", "127.0.0.1:99"),
            ("[::1]", "[::1]:0"),
            ("::1", "[::1]:0"),
            ("[::1]:99", "[::1]:99"),
        ] {
            assert_eq!(
                Place::read(text).unwrap(),
                Place::Loopback(address.parse().unwrap()),
                "{text}"
            );
        }
        assert_eq!(Place::read("unix:/a b").unwrap(), Place::Socket("/a b".into()));
        for text in [
            "",
            "unix:",
            "0.0.0.0:8080",
            "[::]:1",
            "192.0.2.1:1",
            "example.com:80",
            "localhost.example",
            "99999",
        ] {
            assert!(Place::read(text).is_err(), "{text}");
        }
    }
}
