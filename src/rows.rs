//! Results in rows of a name and a value: one line a row for programs, folded between words at a terminal.

use oauthctl_core::Result;

use crate::ui;
use crate::wrap::{hanging, stdout_width};

/// Indentation of values that do not fit beside the name.
const INDENT: usize = 4;

/// Rows whose values begin in one column.
pub struct Rows {
    text: String,
    lead: &'static str,
    names: usize,
    gap: &'static str,
    width: Option<usize>,
}

impl Rows {
    /// Rows with `lead` before the names, which are `names` wide, and `gap` behind them.
    pub fn new(lead: &'static str, names: usize, gap: &'static str) -> Self {
        Self { text: String::new(), lead, names, gap, width: stdout_width() }
    }

    /// Folds lines wider than this in pipes and files too.
    pub fn at_most(mut self, width: usize) -> Self {
        self.width = Some(self.width.map_or(width, |of_terminal| of_terminal.min(width)));
        self
    }

    /// Adds a line above rows.
    pub fn heading(&mut self, text: &str) {
        self.add("", text, self.lead.len());
    }

    /// Adds a blank line between blocks; none before the first.
    pub fn blank(&mut self) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
    }

    /// Adds a row.
    pub fn row(&mut self, name: &str, value: &str) {
        let head = format!("{}{name:<width$}{}", self.lead, self.gap, width = self.names);
        let column = head.chars().count();
        self.add(&head, value, column);
    }

    fn add(&mut self, head: &str, value: &str, column: usize) {
        match self.width {
            Some(width) => self.text.push_str(&hanging(head, value, [column, INDENT], width)),
            None => self.text.extend([head, value]),
        }
        self.text.push('\n');
    }

    /// Writes them to stdout.
    ///
    /// # Errors
    ///
    /// See [`ui::print`].
    pub fn print(self) -> Result<()> {
        ui::print(&self.text)
    }
}
