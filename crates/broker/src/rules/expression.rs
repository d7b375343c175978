//! Expressions: a single expression of Rhai, without loops, functions, assignments and modules. Steps, sizes, depth and
//! time are limited.

use std::time::{Duration, Instant};

use oauthctl_core::{Error, Result, Secret};
use rhai::{AST, Dynamic, Engine, Scope};
use serde_json::Value;

/// Maximum length of an expression, in bytes.
const LONGEST: usize = 4_096;

/// Maximum number of steps.
const STEPS: u64 = 10_000;

/// How long an evaluation may take.
const LIMIT: Duration = Duration::from_millis(100);

/// Maximum size of a text, in bytes, and of a list or a table.
const SIZES: (usize, usize) = (64 * 1024, 4_096);

/// How deep an expression may be nested.
const DEPTH: usize = 64;

fn engine() -> Engine {
    let mut engine = Engine::new();
    engine
        .set_max_operations(STEPS)
        .set_max_expr_depths(DEPTH)
        .set_max_string_size(SIZES.0)
        .set_max_array_size(SIZES.1)
        .set_max_map_size(SIZES.1)
        .set_allow_looping(false)
        .set_strict_variables(false)
        .on_print(|_| {})
        .on_debug(|_, _, _| {});
    engine.disable_symbol("eval");
    let begun = Instant::now();
    engine.on_progress(move |_| (begun.elapsed() > LIMIT).then_some(Dynamic::UNIT));
    engine
}

fn compile(engine: &Engine, text: &str) -> std::result::Result<AST, String> {
    if text.len() > LONGEST {
        return Err(format!("an expression must be at most {LONGEST} bytes long"));
    }
    engine.compile_expression(text).map_err(|error| {
        let at = error.position();
        let (line, column) = (at.line().unwrap_or(1), at.position().unwrap_or(1));
        format!("the expression is invalid (line {line}, column {column})")
    })
}

/// Validates an expression. The error repeats no part of it.
///
/// # Errors
///
/// Returns what is wrong, without a part of the expression.
pub(super) fn check(text: &str) -> std::result::Result<(), String> {
    compile(&engine(), text).map(drop)
}

/// Evaluates an expression with the members of an object as variables, and returns its value as JSON.
///
/// # Errors
///
/// Returns `Config` if it fails or reaches a limit.
pub(super) async fn evaluate(text: String, input: Value) -> Result<Secret> {
    let work = tokio::task::spawn_blocking(move || run(&text, &input));
    let value = work.await.unwrap_or_else(|_| Err("it ended unexpectedly".to_owned()));
    value.map_err(|why| Error::config(format!("the expression of a rule failed: {why}")))
}

fn run(text: &str, input: &Value) -> std::result::Result<Secret, String> {
    let engine = engine();
    let expression = compile(&engine, text)?;
    let mut scope = Scope::new();
    for (name, value) in input.as_object().into_iter().flatten() {
        let value =
            rhai::serde::to_dynamic(value).map_err(|_| "its input cannot be read".to_owned())?;
        scope.push_constant_dynamic(name.as_str(), value);
    }
    let value: Dynamic = engine
        .eval_ast_with_scope(&mut scope, &expression)
        .map_err(|error| describe(&error).to_owned())?;
    let value: Value =
        rhai::serde::from_dynamic(&value).map_err(|_| "its value is no answer".to_owned())?;
    Ok(Secret::new(value.to_string()))
}

/// Returns what went wrong, without values.
fn describe(error: &rhai::EvalAltResult) -> &'static str {
    use rhai::EvalAltResult as E;
    match error {
        E::ErrorTooManyOperations(..) | E::ErrorTerminated(..) | E::ErrorStackOverflow(..) => {
            "it takes too many steps"
        }
        E::ErrorDataTooLarge(..) => "a value is too large",
        E::ErrorVariableNotFound(..) => "a variable is unknown",
        E::ErrorFunctionNotFound(..) => "a function or an operator does not exist for its operands",
        E::ErrorArithmetic(..) => "an arithmetic error",
        _ => "it cannot be evaluated",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn value(text: &str) -> std::result::Result<Value, String> {
        let input = json!({
            "event": "post_token", "user": "u-1", "scopes": ["read", "write"],
            "attributes": { "plan": "gold", "n": 3, "big": "x".repeat(30_000) },
        });
        run(text, &input).map(|text| serde_json::from_str(text.expose()).unwrap())
    }

    #[test]
    fn expression_reads_its_input_and_answers() {
        assert_eq!(value("attributes.plan == \"gold\""), Ok(json!(true)));
        assert_eq!(value("attributes.missing == \"gold\""), Ok(json!(false)));
        assert_eq!(value("\"write\" in scopes && attributes.n > 2"), Ok(json!(true)));
        let text = "if attributes.n > 5 { #{ deny: \"too many\" } } else { #{ attributes: #{ n: attributes.n + 1 }, ttl: \"1h\" } }";
        assert_eq!(value(text), Ok(json!({ "attributes": { "n": 4 }, "ttl": "1h" })));
        assert_eq!(value("()"), Ok(json!(null)));
    }

    #[test]
    fn expression_that_costs_too_much_fails() {
        for text in [
            "while true {}",
            "loop {}",
            "for x in 0..9 { x }",
            "fn f() { f() } f()",
            "let x = 1; x",
            "eval(\"1\")",
            "import \"x\" as x",
            "|x| x",
            "do { 1 } while true",
        ] {
            assert!(value(text).is_err(), "{text}");
        }
        let deep = format!("{}1{}", "(".repeat(1_000), ")".repeat(1_000));
        assert!(value(&deep).is_err());
        assert!(value(&"1+".repeat(5_000)).is_err());
        let long = ["attributes.big"; 4].join("+");
        assert_eq!(value(&long), Err("a value is too large".to_owned()));
        for text in ["1/0", "unknown", "attributes.n.x.y", "9223372036854775807 + 1", "[1] - 2"] {
            assert!(value(text).is_err(), "{text}");
        }
        for text in
            ["\"a\".pad(1000000000, 'b')", "(0..1000000000).len()", "[1].pad(1000000000, 2)"]
        {
            let begun = Instant::now();
            let _ = value(text);
            assert!(begun.elapsed() < Duration::from_secs(2), "{text}");
        }
    }
}
