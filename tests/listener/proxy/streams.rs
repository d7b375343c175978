//! Bodies that pass as they come, in both directions.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::Duration;

use super::client::Proxy;
use crate::support::{Api, DEADLINE, Home};

/// A server that does with each connection what a closure says, once it has read a head.
fn server(answer: impl Fn(&str, BufReader<TcpStream>) + Send + Sync + 'static) -> (Home, String) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let origin = format!("http://{}", listener.local_addr().unwrap());
    let home = Api::echo().home("", "");
    let config = std::fs::read_to_string(home.config_path()).unwrap();
    let lines = config.lines().map(|line| match line.starts_with("api_url") {
        true => format!("api_url = {origin:?}\n"),
        false => format!("{line}\n"),
    });
    home.config(&lines.collect::<String>());
    let answer = std::sync::Arc::new(answer);
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let answer = std::sync::Arc::clone(&answer);
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                let mut head = String::new();
                while !head.ends_with("\r\n\r\n") {
                    if reader.read_line(&mut head).unwrap_or(0) == 0 {
                        return;
                    }
                }
                answer(&head, reader);
            });
        }
    });
    (home, origin)
}

fn connect(proxy: &Proxy, method: &str, lines: &str) -> BufReader<TcpStream> {
    let mut stream = TcpStream::connect(&proxy.address).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let (key, host) = (&proxy.key, &proxy.address);
    write!(stream, "{method} {key}/x HTTP/1.1\r\nHost: {host}\r\n{lines}\r\n").unwrap();
    BufReader::new(stream)
}

fn line(reader: &mut impl BufRead) -> String {
    let mut line = String::new();
    assert!(reader.read_line(&mut line).unwrap() > 0, "the connection ended");
    line
}

#[test]
fn events_arrive_as_they_are_sent() {
    let (told, next) = std::sync::mpsc::channel::<()>();
    let next = std::sync::Mutex::new(next);
    let (home, _) = server(move |_, mut reader| {
        let stream = reader.get_mut();
        let head = "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        for number in 0..3 {
            let event = format!("data: {number}\n\n");
            write!(stream, "{:x}\r\n{event}\r\n", event.len()).unwrap();
            // The next one only after this one has arrived at the client.
            next.lock().unwrap().recv().unwrap();
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
    });
    let proxy = Proxy::start(&home, &[]);
    let mut reader = connect(&proxy, "GET", "");
    while line(&mut reader) != "\r\n" {}
    for number in 0..3 {
        while line(&mut reader) != format!("data: {number}\n") {}
        told.send(()).unwrap();
    }
}

#[test]
fn upload_is_passed_on_while_it_comes() {
    let (home, _) = server(|head, mut reader| {
        assert!(head.to_ascii_lowercase().contains("transfer-encoding: chunked"), "{head}");
        reader
            .get_mut()
            .write_all(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            .unwrap();
        for _ in 0..3 {
            let (size, data) = (line(&mut reader), line(&mut reader));
            let stream = reader.get_mut();
            write!(stream, "{size}{data}").unwrap();
        }
        reader.get_mut().write_all(b"0\r\n\r\n").unwrap();
    });
    let proxy = Proxy::start(&home, &[]);
    let mut reader = connect(&proxy, "POST", "Transfer-Encoding: chunked\r\n");
    for number in 0..3 {
        // With one write: what comes in parts is passed on in parts.
        reader.get_mut().write_all(format!("3\r\nab{number}\r\n").as_bytes()).unwrap();
        while line(&mut reader).trim_end() != format!("ab{number}") {}
    }
}

#[test]
fn gigabyte_passes_in_constant_memory() {
    const SIZE: u64 = 1 << 30;
    let (home, _) = server(|head, mut reader| {
        let is_upload = head.starts_with("POST");
        let mut got = 0;
        if is_upload {
            got = std::io::copy(&mut reader.by_ref().take(SIZE), &mut std::io::sink()).unwrap();
        }
        let stream = reader.get_mut();
        if is_upload {
            let text = got.to_string();
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len())
                .unwrap();
        } else {
            write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n").unwrap();
            std::io::copy(&mut std::io::repeat(b'x').take(SIZE), stream).unwrap();
        }
    });
    let proxy = Proxy::start(&home, &[]);
    let mut upload =
        connect(&proxy, "POST", &format!("Content-Length: {SIZE}\r\nConnection: close\r\n"));
    std::io::copy(&mut std::io::repeat(b'x').take(SIZE), upload.get_mut()).unwrap();
    let mut reply = String::new();
    upload.read_to_string(&mut reply).unwrap();
    assert!(reply.ends_with(&SIZE.to_string()), "{reply}");
    let mut download = connect(&proxy, "GET", "Connection: close\r\n");
    while line(&mut download) != "\r\n" {}
    assert_eq!(std::io::copy(&mut download, &mut std::io::sink()).unwrap(), SIZE);
    let status = std::fs::read_to_string(format!("/proc/{}/status", proxy.process.pid()));
    let peak =
        status.unwrap().lines().find_map(|line| line.strip_prefix("VmHWM:").map(str::to_owned));
    let peak: u64 = peak.unwrap().trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 32 * 1024, "{peak} kB");
}

#[test]
fn websocket_is_passed_through() {
    let (home, _) = server(|head, mut reader| {
        let head = head.to_ascii_lowercase();
        assert!(
            head.contains("upgrade: websocket") && head.contains("connection: upgrade"),
            "{head}"
        );
        assert!(
            head.contains("sec-websocket-key: key")
                && head.contains("authorization: bearer stored")
        );
        let switch = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Accept: accepted\r\n\r\n";
        reader.get_mut().write_all(switch.as_bytes()).unwrap();
        let mut said = [0; 4];
        while reader.read_exact(&mut said).is_ok() {
            said.reverse();
            reader.get_mut().write_all(&said).unwrap();
        }
    });
    let proxy = Proxy::start(&home, &[]);
    let lines =
        "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: key\r\n";
    let mut reader = connect(&proxy, "GET", lines);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        head += &line(&mut reader);
    }
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(
        head.contains("sec-websocket-accept: accepted") && head.contains("upgrade: websocket"),
        "{head}"
    );
    for (said, answer) in [("abcd", "dcba"), ("1234", "4321")] {
        reader.get_mut().write_all(said.as_bytes()).unwrap();
        let mut heard = [0; 4];
        reader.read_exact(&mut heard).unwrap();
        assert_eq!(heard, answer.as_bytes());
    }
}

#[test]
fn tunnel_whose_server_has_ended_still_carries() {
    const LATE: usize = 50_000_000;
    let (heard, late) = std::sync::mpsc::channel();
    let (blocked, read) = std::sync::mpsc::channel::<()>();
    let read = std::sync::Mutex::new(read);
    let (home, _) = server(move |_, mut reader| {
        let switch =
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n";
        reader.get_mut().write_all(switch.as_bytes()).unwrap();
        reader.get_mut().shutdown(Shutdown::Write).unwrap();
        // It reads only when all buffers on the way are full.
        read.lock().unwrap().recv().unwrap();
        heard.send(std::io::copy(&mut reader, &mut std::io::sink()).unwrap()).unwrap();
    });
    let proxy = Proxy::start(&home, &[]);
    let mut client = connect(&proxy, "GET", "Connection: Upgrade\r\nUpgrade: x\r\n");
    let mut head = String::new();
    client.read_to_string(&mut head).unwrap();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    client.get_mut().set_write_timeout(Some(Duration::from_millis(500))).unwrap();
    let bytes = vec![b'x'; LATE];
    let mut sent = 0;
    while sent < LATE {
        match client.get_mut().write(&bytes[sent..]) {
            Ok(size) => sent += size,
            Err(_) => _ = blocked.send(()),
        }
    }
    let _ = blocked.send(());
    client.get_mut().shutdown(Shutdown::Write).unwrap();
    assert_eq!(late.recv_timeout(DEADLINE).unwrap(), LATE as u64);
}
