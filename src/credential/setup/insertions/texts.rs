//! Text in the configuration of another program: putting it in and taking it out, as operations on the content.

use std::ops::Range;
use std::path::PathBuf;

use oauthctl_core::{Error, Result};
use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

/// A text in another program's file. The rest of the file may be secret and is not recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Insertion {
    /// The file.
    pub path: PathBuf,
    /// The text.
    pub text: String,
    /// Whether the file did not exist before.
    pub created: bool,
    /// The text directly before it, if that distinguishes it from an equal text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub after: String,
    /// The name under which it is recorded; empty in records of earlier versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
}

/// Where a text belongs in a file: the range after which it is inserted, and the text.
pub type Place = (Range<usize>, String);

impl Insertion {
    /// Returns the text, with what tells it from an equal one, and the content of its file with it.
    pub(super) fn into(content: &str, at: Range<usize>, text: &str) -> Option<(Self, String)> {
        let after = content.get(at.clone())?.to_owned();
        let (head, tail) = content.split_at(at.end);
        let insertion = Self {
            path: PathBuf::new(),
            text: text.to_owned(),
            created: false,
            after,
            name: String::new(),
        };
        Some((insertion, format!("{head}{text}{tail}")))
    }
}

/// Removes `others` and then `insertion` from the content. Returns the rest, and the texts of `others` that were
/// removed.
pub(super) fn apart(
    content: &str,
    insertion: &Insertion,
    others: Vec<Insertion>,
) -> Option<(String, Vec<Insertion>)> {
    let mut rest = content.to_owned();
    let mut removed = Vec::new();
    for other in others {
        if let Without::Rest(without) = without(&rest, &other) {
            rest = without;
            removed.push(other);
        }
    }
    match without(&rest, insertion) {
        Without::Rest(rest) if !removed.is_empty() => Some((rest, removed)),
        _ => None,
    }
}

/// Inserts texts again into a file from which another one was removed.
pub(super) fn inserted_again(
    mut content: String,
    removed: &Insertion,
    texts: Vec<Insertion>,
    place: impl Fn(&str, &str) -> Result<Place>,
) -> Result<(String, Vec<Insertion>)> {
    let mut again = Vec::new();
    for text in texts {
        // The first text of a new file is its whole content.
        let created = text.created || (removed.created && content.is_empty());
        let (at, new) = place(&text.name, &content)?;
        let (insertion, after) = Insertion::into(&content, at, &new)
            .ok_or_else(|| Error::internal("the place is not in the file"))?;
        again.push(Insertion { created, path: text.path, name: text.name, ..insertion });
        content = after;
    }
    Ok((content, again))
}

/// A file without a text.
pub(super) enum Without {
    Rest(String),
    /// With a line break that the text began with: without it, two lines would be one.
    Joined(String),
    /// Without the text, the file would no longer be valid JSON.
    Invalid,
    /// The text is not in it.
    Missing,
}

/// Removes a text from the content of its file. In JSON, the comma that belongs to it depends on the members around it,
/// which may have changed since.
pub(super) fn without(content: &str, insertion: &Insertion) -> Without {
    let (text, after) = (insertion.text.as_str(), insertion.after.as_str());
    let is_json = is_json_object(content);
    let find = |text: &str| content.rfind(&format!("{after}{text}")).map(|at| at + after.len());
    let bare = text.strip_suffix(',').filter(|_| is_json);
    let found = find(text).map(|at| (at, text));
    let found = found.or_else(|| bare.and_then(|bare| Some((find(bare)?, bare))));
    let Some((at, text)) = found else { return Without::Missing };
    let (head, tail) = (&content[..at], &content[at + text.len()..]);
    let joins = |part: &str| !part.is_empty() && !part.starts_with('\n');
    if !is_json
        && text.starts_with('\n')
        && joins(tail)
        && !head.is_empty()
        && !head.ends_with('\n')
    {
        return Without::Joined(format!("{head}\n{tail}"));
    }
    let is_valid = |rest: &String| !is_json || rest.trim().is_empty() || is_json_object(rest);
    let before = head.trim_end().strip_suffix(',').map(|head| (head, tail));
    let behind = tail.trim_start().strip_prefix(',').map(|tail| (head, tail));
    let rests = [Some((head, tail)), before, behind].into_iter().flatten();
    let mut rests = rests.map(|(head, tail)| format!("{head}{tail}"));
    rests.find(is_valid).map_or(Without::Invalid, Without::Rest)
}

fn is_json_object(content: &str) -> bool {
    content.trim_start().starts_with('{') && serde_json::from_str::<IgnoredAny>(content).is_ok()
}
