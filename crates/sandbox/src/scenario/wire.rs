//! Scenarios of the transport: slow, broken and endless responses.

use super::super::reply::{Answer, Transport};
use super::super::transport;
use super::effect::{Cue, Effect, On};
use super::row::{Scenario, row};

/// Appends text to a JSON object.
fn append(answer: &mut Answer, text: &str) {
    if answer.body.last() == Some(&b'}') {
        answer.body.pop();
        answer.body.extend_from_slice(text.as_bytes());
        answer.body.push(b'}');
    }
}

fn nest(answer: &mut Answer, _: &Cue) {
    const DEPTH: usize = 100_000;
    append(answer, &format!(",\"deep\":{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH)));
}

fn pad(answer: &mut Answer, _: &Cue) {
    append(answer, &format!(",\"padding\":\"{}\"", "x".repeat(4 << 20)));
}

fn bomb(answer: &mut Answer, _: &Cue) {
    answer.body = transport::gzip_bomb();
    answer.set("content-encoding", "gzip");
}

fn junk(answer: &mut Answer, _: &Cue) {
    answer.body.extend_from_slice(b"\n<!-- served from cache -->{\"access_token\":\"other\"}");
}

fn twice(answer: &mut Answer, _: &Cue) {
    if answer.status == 200 {
        append(answer, ",\"access_token\":\"sandbox-duplicate\"");
    }
}

pub(super) const ROWS: &[Scenario] = &[
    Scenario {
        argument: Some("SECONDS"),
        ..row(
            "slow",
            "Waits the given number of seconds before every response.",
            &[Effect::Delay(On::Every)],
        )
    },
    Scenario {
        argument: Some("SECONDS"),
        ..row(
            "slow-token",
            "Waits the given number of seconds before every response to a token request.",
            &[Effect::Delay(On::Token)],
        )
    },
    Scenario {
        argument: Some("SECONDS"),
        ..row(
            "slow-refresh",
            "Waits the given number of seconds before every response to a refresh request.",
            &[Effect::Delay(On::Refresh)],
        )
    },
    row(
        "reset",
        "Resets every connection once a request has been read.",
        &[Effect::Send(On::Every, Transport::Reset)],
    ),
    row(
        "token-reset",
        "Processes token requests, then resets the connection.",
        &[Effect::Send(On::Token, Transport::Reset)],
    ),
    row(
        "token-drop",
        "Processes token requests, then closes the connection without a response.",
        &[Effect::Send(On::Token, Transport::Drop)],
    ),
    row(
        "token-half",
        "Processes token requests, then closes the connection in the middle of the response.",
        &[Effect::Send(On::Token, Transport::Half)],
    ),
    row(
        "stall-token",
        "Processes token requests, then never responds.",
        &[Effect::Send(On::Token, Transport::Stall)],
    ),
    row(
        "refresh-drop",
        "Rotates on a refresh, then closes the connection without a response.",
        &[Effect::Send(On::Refresh, Transport::Drop)],
    ),
    row(
        "refresh-half",
        "Rotates on a refresh, then closes the connection in the middle of the response.",
        &[Effect::Send(On::Refresh, Transport::Half)],
    ),
    row(
        "refresh-stall",
        "Rotates on a refresh, then never responds.",
        &[Effect::Send(On::Refresh, Transport::Stall)],
    ),
    row(
        "byte-a-second",
        "Sends responses to token requests at one byte per second.",
        &[Effect::Send(On::Token, Transport::Drip)],
    ),
    row(
        "endless-body",
        "Answers token requests with a body that never ends.",
        &[Effect::Send(On::Token, Transport::EndlessBody)],
    ),
    row(
        "endless-headers",
        "Answers token requests with headers that never end.",
        &[Effect::Send(On::Token, Transport::EndlessHeaders)],
    ),
    row(
        "huge-body",
        "Answers token requests with 4 MiB of JSON.",
        &[Effect::Rewrite(On::Token, pad)],
    ),
    row(
        "gzip-bomb",
        "Answers token requests with a small gzip body that unpacks to 64 MiB.",
        &[Effect::Rewrite(On::Token, bomb)],
    ),
    row(
        "truncated-json",
        "Truncates the JSON of token responses in the middle.",
        &[Effect::Rewrite(On::Token, |answer, _| answer.body.truncate(answer.body.len() / 2))],
    ),
    row(
        "trailing-junk",
        "Appends other text to the JSON of token responses.",
        &[Effect::Rewrite(On::Token, junk)],
    ),
    row(
        "duplicate-keys",
        "Repeats the access token in token responses, with different values.",
        &[Effect::Rewrite(On::Token, twice)],
    ),
    row(
        "deep-nesting",
        "Nests an array of token responses 100,000 levels deep.",
        &[Effect::Rewrite(On::Token, nest)],
    ),
    row(
        "bom",
        "Starts token responses with a byte order mark.",
        &[Effect::Rewrite(On::Token, |answer, _| {
            answer.body.splice(0..0, *b"\xef\xbb\xbf");
        })],
    ),
    row(
        "wrong-content-type",
        "Declares the JSON of token responses as text/html.",
        &[Effect::Rewrite(On::Token, |answer, _| {
            answer.set("content-type", "text/html; charset=utf-8")
        })],
    ),
    row(
        "status-201",
        "Sends token responses with status 201.",
        &[Effect::Rewrite(On::Token, |answer, _| {
            if answer.status == 200 {
                answer.status = 201;
            }
        })],
    ),
];
