//! The format of the files.

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The content of a file, and its format version.
#[derive(Serialize, Deserialize)]
pub(super) struct Versioned<T> {
    pub(super) version: u32,
    #[serde(flatten)]
    pub(super) value: T,
}

pub(super) fn json<T: Serialize>(value: T) -> Result<Vec<u8>> {
    serde_json::to_vec(&Versioned { version: VERSION, value })
        .map_err(|_| Error::internal("cannot write a state file as JSON"))
}

/// Version of the file formats.
pub(super) const VERSION: u32 = 1;
