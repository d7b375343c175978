//! The pages of the documentation, and their blocks of code. Tests outside of this program compile this file too.

use std::path::{Path, PathBuf};

/// A page of Markdown.
pub struct Page {
    /// Relative to the root, with slashes.
    pub path: String,
    pub text: String,
}

/// The root of the workspace.
pub fn root() -> &'static Path {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.ancestors().find(|path| path.join("docs/SUMMARY.md").exists()).unwrap()
}

/// The pages for users, in a fixed order.
pub fn pages() -> Vec<Page> {
    let mut paths: Vec<PathBuf> =
        ["README.md", "CONTRIBUTING.md", "SECURITY.md"].map(|name| root().join(name)).to_vec();
    let mut directories = vec![root().join("docs")];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == "md") {
                paths.push(path);
            }
        }
    }
    paths.sort();
    assert!(paths.len() > 20, "{paths:?}");
    let page = |path: &PathBuf| {
        let relative = path.strip_prefix(root()).unwrap().to_str().unwrap();
        Page {
            path: relative.replace('\\', "/"),
            text: std::fs::read_to_string(path).unwrap().replace("\r\n", "\n"),
        }
    };
    paths.iter().map(page).collect()
}

/// A block of code with its language.
pub struct Block {
    pub language: String,
    pub text: String,
}

impl Page {
    /// The blocks of code, also those that are indented in a list.
    pub fn blocks(&self) -> Vec<Block> {
        let mut blocks: Vec<Block> = Vec::new();
        let mut indent = None;
        for line in self.text.lines() {
            let fence = line.trim_start().strip_prefix("```");
            match (fence, indent) {
                (Some(language), None) => {
                    indent = Some(line.len() - line.trim_start().len());
                    blocks.push(Block { language: language.to_owned(), text: String::new() });
                }
                (Some(_), Some(_)) => indent = None,
                (None, Some(width)) => {
                    let block = blocks.last_mut().unwrap();
                    block.text.push_str(line.get(width..).unwrap_or_default());
                    block.text.push('\n');
                }
                (None, None) => {}
            }
        }
        assert!(indent.is_none(), "{}: a block is not closed", self.path);
        blocks
    }

    /// The text without blocks of code.
    pub fn prose(&self) -> String {
        let mut is_code = false;
        let mut prose = String::new();
        for line in self.text.lines() {
            if line.trim_start().starts_with("```") {
                is_code = !is_code;
            } else if !is_code {
                prose.push_str(line);
                prose.push('\n');
            }
        }
        prose
    }
}
