//! Log events are structured: a fixed message, and all values in fields, which programs can tell apart.

use super::source::{Source, report, sources, strings};

const LEVELS: &[&str] = &["trace", "debug", "info", "warn", "error"];

/// The arguments of the log events in this text.
fn events(text: &str) -> Vec<&str> {
    let levels = LEVELS.iter().flat_map(|level| text.match_indices(level));
    let calls = levels.filter_map(|(at, level)| text[at + level.len()..].strip_prefix("!("));
    calls.map(|call| &call[..end(call)]).collect()
}

/// Where the parenthesis ends that was opened before this text.
fn end(text: &str) -> usize {
    let (mut depth, mut is_quoted, mut is_escaped) = (1, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = is_quoted,
            '"' => is_quoted = !is_quoted,
            '(' if !is_quoted => depth += 1,
            ')' if !is_quoted => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

/// What is wrong with the arguments of a log event.
fn fault(event: &str) -> Option<&'static str> {
    if strings(event).iter().any(|(_, text)| text.contains('{')) {
        return Some("a value is part of the text of a log event");
    }
    let event: String = event.chars().filter(|c| !c.is_whitespace()).collect();
    let is_unquoted = event.starts_with('%') || event.contains("=%") || event.contains(",%");
    is_unquoted.then_some("a field of a log event is not quoted")
}

#[test]
fn values_of_log_events_are_fields() {
    let sources = sources();
    let of_broker = |source: &&Source| source.path.starts_with("crates/broker/src/");
    let (mut faults, mut count) = (Vec::new(), 0);
    for source in sources.iter().filter(of_broker) {
        for event in events(&source.text) {
            count += 1;
            let first = event.trim().lines().last().unwrap_or_default();
            faults.extend(fault(event).map(|why| format!("{}: {why}: {first}", source.path)));
        }
    }
    report(&faults);
    assert!(count > 20, "found only {count} log events");
}

#[test]
fn rule_of_log_events_sees_what_it_looks_for() {
    let code = "tracing::warn!(a = f(\")\"), \"b\"); info!(\"x {y}\")";
    assert_eq!(events(code).len(), 2);
    assert!(events(code).contains(&"a = f(\")\"), \"b\""));
    let wrong = ["\"x {y}\"", "\"{}\", error", "a = %b, \"x\"", "a = f(\"{b}\"), \"x\""];
    let shorthand =
        ["%error, \"x\"", "\n    %error,\n    \"x\"", "a, %error, \"x\"", "a =\n%b, \"x\""];
    for wrong in wrong.into_iter().chain(shorthand) {
        assert!(fault(wrong).is_some(), "{wrong}");
    }
    assert_eq!(fault("a, b = ?c, d = e(\"f\"), \"x\""), None);
}
