//! What the tables of a configuration file have in common.

use super::diagnose::Problems;
use super::node::{Entry, Table, Value};
use super::reader::{Reader, Surroundings};
use crate::text::one_line;

/// The tables of a file: on what reading them depends, and what is wrong with them.
pub(crate) struct Tables<'a, 't> {
    pub around: &'a Surroundings,
    pub problems: &'a mut Problems<'t>,
}

impl<'t> Tables<'_, 't> {
    pub(super) fn reader<'b>(&'b mut self, entry: &'b Entry, place: &'b str) -> Reader<'b, 't> {
        Reader { entry, place, around: self.around, problems: &mut *self.problems }
    }

    /// Returns the value of a key that must be a table.
    pub(super) fn table<'n>(&mut self, entry: &'n Entry, place: &str) -> Option<&'n Table> {
        match &entry.node.value {
            Value::Table(table) => Some(table),
            _ => self.reader(entry, place).mismatch("a table", &entry.node),
        }
    }

    /// Reports the name of a profile that is none of these.
    pub(super) fn profile_exists(
        &mut self,
        entry: &Entry,
        place: &str,
        name: &str,
        names: &[&str],
    ) {
        if !name.is_empty() && !names.contains(&name) {
            let near = self.problems.meant(name, names.iter().copied());
            let what = format!("names an unknown profile: `{}`{near}", one_line(name));
            self.reader(entry, place).fail::<()>(what);
        }
    }
}
