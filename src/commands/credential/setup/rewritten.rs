//! What is done about a setup whose file the tool itself has rewritten, as kubectl does.

use oauthctl_core::profile::CredentialTool;
use oauthctl_core::{Error, Result};

use crate::credential::setup::insertions::{Insertion, Insertions, read_tool_file};
use crate::credential::setup::{self, Removal, named};

/// Removes what was written from a file that the tool has rewritten. Returns its text there, or `None` if there is none.
///
/// # Errors
///
/// Returns `Config` if its place is not certain, or the file cannot be changed.
pub(super) fn remove_rewritten(
    tool: CredentialTool,
    recorded: &Insertion,
    insertions: &Insertions,
) -> Result<Option<String>> {
    match removal(tool, recorded)? {
        None => Ok(None),
        Some((_, Removal::Command(command))) => Err(has_changed(recorded, &command)),
        Some((content, Removal::Text { rest, removed, is_empty })) => {
            let rest = Some(&*rest).filter(|_| !recorded.created || !is_empty);
            insertions.remove_rewritten(recorded, &content, rest)?;
            Ok(Some(removed))
        }
    }
}

/// Returns the error for what was written into a file that the tool has rewritten, and the command that removes it.
fn has_changed(recorded: &Insertion, command: &str) -> Error {
    Error::config(format!("{} has changed since it was set up", recorded.path.display()))
        .hint(format!("run `{command}`"))
}

/// Returns the content of a file that the tool has rewritten, and how to remove what was written and the tool has kept.
pub(super) fn removal(
    tool: CredentialTool,
    recorded: &Insertion,
) -> Result<Option<(String, Removal)>> {
    if !setup::is_rewritten(tool) {
        return Ok(None);
    }
    let Some(file) = read_tool_file(&recorded.path)? else { return Ok(None) };
    let removal = setup::removal(tool, &recorded.text, &recorded.path, &file);
    Ok(removal.map(|removal| (file, removal)))
}

/// Returns what was set up in files that their tools have rewritten, and errors for what cannot be undone there.
///
/// # Errors
///
/// Returns an error if such a file cannot be read.
pub fn rewritten(insertions: &Insertions) -> Result<(Vec<Insertion>, Vec<Error>)> {
    let (mut removable, mut errors) = (Vec::new(), Vec::new());
    for recorded in insertions.all_recorded() {
        if let Some((tool, _)) = named(&recorded.name)
            && insertions.present(&recorded.name).is_none()
        {
            match removal(tool, &recorded)? {
                None => {}
                Some((_, Removal::Text { .. })) => removable.push(recorded),
                Some((_, Removal::Command(command))) => {
                    errors.push(has_changed(&recorded, &command));
                }
            }
        }
    }
    Ok((removable, errors))
}

/// Removes what was set up, also if the tool has rewritten its file.
///
/// # Errors
///
/// Returns `Config` if the file no longer contains it, or cannot be changed.
pub fn remove_settings(insertions: &Insertions, added: &Insertion) -> Result<()> {
    // Removing another one may have changed its record.
    let added = &insertions.recorded(&added.name).unwrap_or_else(|| added.clone());
    if let Some((tool, _)) = named(&added.name)
        && insertions.present(&added.name).is_none()
        && remove_rewritten(tool, added, insertions)?.is_some()
    {
        return Ok(());
    }
    insertions.remove_present(added)
}
