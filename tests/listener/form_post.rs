//! The response as a POSTed form (`response_mode=form_post`).

use oauthctl_core::login::{ListenOptions, Listener};
use tokio::io::AsyncWriteExt;

use crate::scene::*;

const FORM: &str = "application/x-www-form-urlencoded";

async fn posting() -> Listener {
    let options = ListenOptions { form_post: true, ..ListenOptions::default() };
    listen("http://127.0.0.1/callback", options).await
}

fn post(listener: &Listener, headers: &str, body: &str) -> String {
    format!(
        "POST /callback HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        authority(listener),
        body.len()
    )
}

fn form(listener: &Listener, body: &str) -> String {
    post(listener, &format!("Content-Type: {FORM}\r\n"), body)
}

async fn still_takes_forms(listener: &mut Listener, mark: &str) {
    let request = form(listener, &format!("code={mark}&state={STATE}"));
    let mut stream = open(address(listener), request).await;
    let candidate = candidate(listener).await;
    assert_eq!(candidate.parameters().get("code"), Some(mark));
    candidate.reply(signed_in());
    assert_eq!(reply(&mut stream).await.status, 200);
}

#[tokio::test]
async fn only_the_media_type_of_forms_is_accepted() {
    let mut listener = posting().await;
    let body = format!("code={CODE}&state={STATE}");
    for media in [FORM, "Application/X-WWW-Form-URLencoded", &format!("{FORM};charset=UTF-8")] {
        let request = post(&listener, &format!("Content-Type: {media}\r\n"), &body);
        let mut stream = open(address(&listener), request).await;
        candidate(&mut listener).await.reply(signed_in());
        assert_eq!(reply(&mut stream).await.status, 200, "{media}");
    }
    for media in [
        "Content-Type: application/json\r\n",
        "Content-Type: text/plain\r\n",
        "Content-Type: multipart/form-data; boundary=x\r\n",
        "Content-Type: application/x-www-form-urlencodedx\r\n",
        "Content-Type: x-www-form-urlencoded\r\n",
        "Content-Type: application/x-www-form-urlencoded;\r\n",
        "Content-Type: application/x-www-form-urlencoded;charset=utf-16\r\n",
        "Content-Type: application/x-www-form-urlencoded, text/plain\r\n",
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Type: text/plain\r\n",
        "Content-Type: \r\n",
        "",
    ] {
        let reply = send(address(&listener), post(&listener, media, &body)).await;
        assert_eq!(reply.status, 415, "{media}");
        still_takes_forms(&mut listener, "mark").await;
    }
}

#[tokio::test]
async fn query_is_refused_where_a_form_is_expected() {
    let mut listener = posting().await;
    let reply = send(address(&listener), callback(&listener)).await;
    assert_eq!((reply.status, reply.header("allow")), (405, Some("POST")));
    let target = format!("POST /callback?code={CODE}&state={STATE} ");
    let request = form(&listener, "a=b").replacen("POST /callback ", &target, 1);
    assert_eq!(send(address(&listener), request).await.status, 400);
    still_takes_forms(&mut listener, "mark").await;
}

#[tokio::test]
async fn form_bodies_are_limited_and_validated() {
    let mut listener = posting().await;
    let pad = |size: usize| {
        let start = format!("code={CODE}&state={STATE}");
        let mut body = start;
        while body.len() < size {
            let room = (size - body.len()).min(8 * 1024);
            body.push_str(&format!("&{}", "x".repeat(room - 1)));
        }
        body
    };
    let mut stream = open(address(&listener), form(&listener, &pad(64 * 1024))).await;
    candidate(&mut listener).await.reply(signed_in());
    assert_eq!(reply(&mut stream).await.status, 200);
    for odd in [&b"a\r\nb\tc"[..], b"f\xfcr", b"f%FCr%", b"%1b[2J"] {
        let body = [b"error=access_denied&state=SECRET-STATE&error_description=", odd].concat();
        let head = post(&listener, &format!("Content-Type: {FORM}\r\n"), "");
        let length = format!("Content-Length: {}\r\n", body.len());
        let head = head.replace("Content-Length: 0\r\n", &length);
        let mut stream = open(address(&listener), [head.as_bytes(), &body].concat()).await;
        candidate(&mut listener).await.reply(signed_in());
        assert_eq!(reply(&mut stream).await.status, 200, "{}", odd.escape_ascii());
    }
    for body in [
        pad(64 * 1024 + 1).as_str(),
        "",
        "code=SECRET-CODE",
        "code=SECRET-CODE&state=SECRET-STATE&state=SECRET-STATE",
        "code=SECRET-CODE&error=e&state=SECRET-STATE",
        "code=SECRET-CODE%00&state=SECRET-STATE",
        "code=SECRET-CODE\n&state=SECRET-STATE",
        "code=SECRET-CODE&state=SECRET-STATE\u{9b}",
    ] {
        assert_eq!(send(address(&listener), form(&listener, body)).await.status, 400, "{body}");
        still_takes_forms(&mut listener, "mark").await;
    }
}

#[tokio::test]
async fn body_needs_one_plain_length_and_all_of_it() {
    let mut listener = posting().await;
    let body = format!("code={CODE}&state={STATE}");
    let host = authority(&listener);
    for framing in [
        "Transfer-Encoding: chunked".to_owned(),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {}", body.len()),
        format!("Content-Length: {0}\r\nContent-Length: {0}", body.len()),
        "Content-Length: 4294967296".to_owned(),
        "Content-Length: -1".to_owned(),
        format!("Expect: 100-continue\r\nContent-Length: {}", body.len()),
    ] {
        let request = format!(
            "POST /callback HTTP/1.1\r\nHost: {host}\r\nContent-Type: {FORM}\r\n{framing}\r\n\r\n{body}"
        );
        assert_eq!(send(address(&listener), request).await.status, 400, "{framing}");
    }
    let mut short = open(address(&listener), form(&listener, &body).split_off(0)).await;
    candidate(&mut listener).await.reply(signed_in());
    assert_eq!(reply(&mut short).await.status, 200);
    let cut = form(&listener, &body);
    let mut stream = open(address(&listener), &cut[..cut.len() - 1]).await;
    stream.shutdown().await.unwrap();
    assert!(rest(&mut stream).await.is_empty(), "a part of a form is none");
    still_takes_forms(&mut listener, "mark").await;
}
