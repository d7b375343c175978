//! A way to a server that can be closed: connections are then not refused, they are not established.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use tokio::net::{TcpSocket, TcpStream};
use tokio::sync::watch;

/// A port that leads to another one.
pub struct Gate {
    pub address: SocketAddr,
    is_open: watch::Sender<bool>,
    /// The connections that fill the queue of the system while it is closed.
    waiting: Vec<TcpStream>,
}

impl Gate {
    /// An open gate to this address.
    pub async fn to(address: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let at = listener.local_addr().unwrap();
        let (is_open, mut opened) = watch::channel(true);
        tokio::spawn(async move {
            loop {
                if opened.wait_for(|is_open| *is_open).await.is_err() {
                    return;
                }
                let accepted = tokio::select! {
                    _ = opened.wait_for(|is_open| !*is_open) => continue,
                    accepted = listener.accept() => accepted,
                };
                let (mut outer, _) = accepted.unwrap();
                tokio::spawn(async move {
                    let mut inner = TcpStream::connect(address).await.ok()?;
                    tokio::io::copy_bidirectional(&mut outer, &mut inner).await.ok()
                });
            }
        });
        Self { address: at, is_open, waiting: Vec::new() }
    }

    /// Closes it.
    pub async fn close(&mut self) {
        self.is_open.send(false).unwrap();
        let connect = || TcpStream::connect(self.address);
        while let Ok(connected) = tokio::time::timeout(Duration::from_millis(300), connect()).await
        {
            self.waiting.push(connected.unwrap());
        }
    }

    /// Waits until somebody tries to connect.
    pub async fn is_wanted(&self) {
        let until = Instant::now() + Duration::from_secs(30);
        // As the system writes addresses: the number in hexadecimal, and 02 for a connection that is not established.
        let (port, state) = (format!(":{:04X}", self.address.port()), "02");
        let is_it = |line: &str| {
            let words: Vec<_> = line.split_whitespace().collect();
            words.len() > 3 && words[2].ends_with(&port) && words[3] == state
        };
        while !std::fs::read_to_string("/proc/net/tcp").unwrap().lines().any(is_it) {
            assert!(Instant::now() < until, "nobody connects");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Opens it. Who tried to connect is connected within seconds.
    pub fn open(&mut self) {
        self.waiting.clear();
        self.is_open.send(true).unwrap();
    }
}
