//! Responses that no HTTP library would send, written to the socket byte by byte.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::reply::{Answer, Transport};

/// Sends the response in this way, and ends when it is sent or the client has disconnected.
pub(super) async fn send(answer: &Answer, how: Transport, mut stream: TcpStream) {
    // An error means that the client has disconnected, which is a normal end.
    let _ = match how {
        Transport::Drop => Ok(()),
        Transport::Reset => stream.set_zero_linger(),
        Transport::Stall => until_closed(&mut stream).await,
        Transport::Half => half(answer, &mut stream).await,
        Transport::HalfReset => half_then_reset(answer, &mut stream).await,
        Transport::HalfStall => half_then_stall(answer, &mut stream).await,
        Transport::Raw => raw(answer, &mut stream).await,
        Transport::Drip => drip(answer, &mut stream).await,
        Transport::EndlessBody => endless_body(&mut stream).await,
        Transport::EndlessHeaders => endless_headers(&mut stream).await,
    };
}

fn head(answer: &Answer, framing: &str) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {} Sandbox\r\n", answer.status);
    for (name, value) in &answer.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head.push_str(framing);
    head.push_str("\r\nconnection: close\r\n\r\n");
    head.into_bytes()
}

fn whole(answer: &Answer) -> Vec<u8> {
    let mut bytes = head(answer, &format!("content-length: {}", answer.body.len()));
    bytes.extend_from_slice(&answer.body);
    bytes
}

async fn until_closed(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut ignored = [0; 512];
    while stream.read(&mut ignored).await? > 0 {}
    Ok(())
}

async fn write_half(answer: &Answer, stream: &mut TcpStream) -> std::io::Result<()> {
    let bytes = whole(answer);
    stream.write_all(&bytes[..bytes.len() - answer.body.len().div_ceil(2)]).await
}

async fn half(answer: &Answer, stream: &mut TcpStream) -> std::io::Result<()> {
    write_half(answer, stream).await?;
    stream.shutdown().await
}

async fn half_then_reset(answer: &Answer, stream: &mut TcpStream) -> std::io::Result<()> {
    write_half(answer, stream).await?;
    stream.set_zero_linger()
}

async fn half_then_stall(answer: &Answer, stream: &mut TcpStream) -> std::io::Result<()> {
    write_half(answer, stream).await?;
    until_closed(stream).await
}

async fn raw(answer: &Answer, stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(&answer.body).await?;
    stream.shutdown().await
}

async fn drip(answer: &Answer, stream: &mut TcpStream) -> std::io::Result<()> {
    for byte in whole(answer) {
        stream.write_all(&[byte]).await?;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    stream.shutdown().await
}

async fn endless_body(stream: &mut TcpStream) -> std::io::Result<()> {
    const HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\
        transfer-encoding: chunked\r\n\r\n";
    stream.write_all(HEAD.as_bytes()).await?;
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    loop {
        stream.write_all(chunk.as_bytes()).await?;
    }
}

async fn endless_headers(stream: &mut TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n").await?;
    for n in 0_u64.. {
        stream.write_all(format!("x-sandbox-{n}: {}\r\n", "x".repeat(200)).as_bytes()).await?;
    }
    Ok(())
}

/// Returns a gzip member of about 400 KiB that decompresses to 64 MiB: one letter, then the same match over
/// and over in a block with fixed codes (RFC 1951, section 3.2.6). Its final checksum is wrong, but a client
/// that gets that far has already read too much.
pub fn gzip_bomb() -> Vec<u8> {
    const MATCHES: usize = (64 << 20) / 258;
    let mut bits = Bits::default();
    bits.low_first(0b011, 3); // the last block, fixed codes
    bits.high_first(0x30 + u32::from(b' '), 8);
    for _ in 0..MATCHES {
        bits.high_first(0b1100_0101, 8); // length 258
        bits.high_first(0, 5); // distance 1
    }
    bits.high_first(0, 7); // the end
    let mut bytes = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    bytes.extend(bits.finish());
    bytes.extend([0; 4]);
    bytes.extend(u32::try_from(MATCHES * 258 + 1).unwrap_or(0).to_le_bytes());
    bytes
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    used: u32,
}

impl Bits {
    fn push(&mut self, bit: bool) {
        if self.used == 0 {
            self.bytes.push(0);
        }
        if let Some(last) = self.bytes.last_mut() {
            *last |= u8::from(bit) << self.used;
        }
        self.used = (self.used + 1) % 8;
    }

    fn low_first(&mut self, value: u32, count: u32) {
        (0..count).for_each(|n| self.push(value >> n & 1 == 1));
    }

    fn high_first(&mut self, value: u32, count: u32) {
        (0..count).rev().for_each(|n| self.push(value >> n & 1 == 1));
    }

    fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
