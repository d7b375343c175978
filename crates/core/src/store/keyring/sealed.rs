//! Records over the keyring's item limit: in files, each encrypted with a key of its own (AES-256-GCM). The
//! item holds that key and names the file, so the item decides which file is valid. Any other file is left
//! over from an unfinished write or from the previous generation, and cannot be decrypted.

use std::path::PathBuf;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::error::{Error, Result};
use crate::files::{Dir, Warnings};
use crate::secret::{Secret, exposed};
use crate::store::record;
use crate::store::reservations::Reservations;

/// The beginning of a pointer; no record begins like this.
const MARK: &[u8] = b"{\"sealed\":";
const VERSION: u32 = 1;
const OVERHEAD: usize = 64;

/// The content of the item instead of a record.
#[derive(Serialize, Deserialize)]
struct Pointer {
    sealed: u32,
    generation: u64,
    file: String,
    #[serde(with = "exposed")]
    key: Secret,
}

/// The directory of sealed files.
#[derive(Debug)]
pub(super) struct Sealed {
    path: PathBuf,
    warnings: Warnings,
    reserved: Reservations,
}

/// Returns whether an item's text is a pointer.
pub(super) fn is_pointer(bytes: &[u8]) -> bool {
    bytes.starts_with(MARK)
}

impl Sealed {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, warnings: Warnings::default(), reserved: Reservations::default() }
    }

    pub(super) fn warnings(&self) -> Warnings {
        self.warnings.clone()
    }

    /// Opens the directory of one record, which alone is listed: how many others there are does not matter.
    fn directory(&self, slug: &str) -> Result<Option<Dir>> {
        match Dir::open(&self.path, &self.warnings)? {
            Some(root) => root.child(slug),
            None => Ok(None),
        }
    }

    fn make_directory(&self, slug: &str) -> Result<Dir> {
        Dir::create(&self.path, &self.warnings)?.make_child(slug)
    }

    /// Reserves real disk space for a record.
    pub(super) fn reserve(&self, slug: &str, bytes: usize) -> Result<()> {
        let dir = self.make_directory(slug)?;
        let size = bytes.saturating_add(OVERHEAD);
        self.reserved.keep(slug, size, || dir.reserve(slug, size))
    }

    /// Gives back the reserved disk space.
    pub(super) fn release(&self, slug: &str) {
        drop(self.reserved.take(slug));
    }

    /// Writes a sealed file, and returns its name and the pointer that makes it valid.
    pub(super) fn seal(
        &self,
        slug: &str,
        bytes: &[u8],
        generation: u64,
    ) -> Result<(Zeroizing<Vec<u8>>, String)> {
        let failed = |_| Error::internal("cannot seal a record");
        let mut key = Zeroizing::new([0; 32]);
        let mut nonce = [0; NONCE_LEN];
        let mut name = [0; 8];
        for random in [&mut key[..], &mut nonce[..], &mut name[..]] {
            aws_lc_rs::rand::fill(random).map_err(failed)?;
        }
        let file = format!("{slug}-{:016x}.sealed", u64::from_be_bytes(name));
        let mut text = Vec::with_capacity(bytes.len() + OVERHEAD);
        text.extend_from_slice(bytes);
        let tag = cipher(&key[..])?
            .seal_in_place_separate_tag(
                Nonce::assume_unique_for_key(nonce),
                bound_to(slug, &file, generation),
                &mut text,
            )
            .map_err(failed)?;
        text.extend_from_slice(tag.as_ref());
        text.splice(0..0, nonce);
        let dir = self.make_directory(slug)?;
        let reserved = match self.reserved.take(slug) {
            Some(reserved) => reserved,
            None => dir.reserve(slug, text.len())?,
        };
        dir.replace_with(reserved, &file, &text)?;
        let encoded = Zeroizing::new(BASE64_STANDARD.encode(&key[..]));
        let pointer = Pointer {
            sealed: VERSION,
            generation,
            file: file.clone(),
            key: Secret::new(&**encoded),
        };
        let pointer = serde_json::to_vec(&pointer)
            .map_err(|_| Error::internal("cannot write a pointer as JSON"))?;
        Ok((Zeroizing::new(pointer), file))
    }

    /// Returns the record that a pointer names.
    pub(super) fn open(&self, slug: &str, pointer: &[u8]) -> Result<Zeroizing<Vec<u8>>> {
        let item = format!("the keyring item `{slug}`");
        let pointer: Pointer = serde_json::from_slice(pointer)
            .map_err(|_| record::damaged(&item, "it does not name a sealed file"))?;
        if pointer.sealed > VERSION {
            return Err(Error::store(format!("{item} was written by a newer oauthctl"))
                .hint("use the newer oauthctl; nothing was changed"));
        }
        let bad_name = pointer.file.contains(['/', '\\', '\0']) || !pointer.file.starts_with(slug);
        let key = BASE64_STANDARD
            .decode(pointer.key.expose())
            .map(Zeroizing::new)
            .ok()
            .filter(|key| key.len() == 32 && !bad_name)
            .ok_or_else(|| record::damaged(&item, "it does not name a sealed file"))?;
        let missing = || {
            let path = self.path.join(slug).join(&pointer.file);
            record::damaged(&item, &format!("its file `{}` is missing", path.display()))
        };
        let dir = self.directory(slug)?.ok_or_else(missing)?;
        let mut text = dir.read(&pointer.file)?.ok_or_else(missing)?;
        let place = format!("`{}`", dir.path_of(&pointer.file).display());
        let damaged = || record::damaged(&place, "it does not decrypt");
        let Some((nonce, rest)) = text.split_at_mut_checked(NONCE_LEN) else {
            return Err(damaged());
        };
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| damaged())?;
        let aad = bound_to(slug, &pointer.file, pointer.generation);
        let opened = cipher(&key)?.open_in_place(nonce, aad, rest).map_err(|_| damaged())?;
        Ok(Zeroizing::new(opened.to_vec()))
    }

    /// Removes all sealed files of this name except the valid one.
    pub(super) fn sweep(&self, slug: &str, keep: Option<&str>) -> Result<()> {
        drop(self.reserved.take(slug));
        let Some(dir) = self.directory(slug)? else { return Ok(()) };
        for name in files(&dir, slug)? {
            if Some(name.as_str()) != keep {
                dir.remove(&name)?;
            }
        }
        dir.sweep_thoroughly(slug)?;
        if keep.is_none() {
            // Other files in it, kept aside or being written, keep the directory.
            let _ = std::fs::remove_dir(self.path.join(slug));
        }
        Ok(())
    }

    /// Renames the sealed files of a damaged record, so that they are kept.
    pub(super) fn set_aside(&self, slug: &str) -> Result<()> {
        let Some(dir) = self.directory(slug)? else { return Ok(()) };
        for name in files(&dir, slug)? {
            dir.rename_new(&name, &format!("{name}.damaged"))?;
        }
        Ok(())
    }

    /// Removes all files of this name.
    pub(super) fn remove(&self, slug: &str) -> Result<()> {
        if let Some(dir) = self.directory(slug)? {
            let prefix = format!("{slug}-");
            for name in dir.names()?.iter().filter(|name| name.starts_with(&prefix)) {
                dir.remove(name)?;
            }
        }
        self.sweep(slug, None)
    }
}

fn files(dir: &Dir, slug: &str) -> Result<Vec<String>> {
    let prefix = format!("{slug}-");
    let mut names = dir.names()?;
    names.retain(|name| name.starts_with(&prefix) && name.ends_with(".sealed"));
    Ok(names)
}

fn cipher(key: &[u8]) -> Result<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key)
        .map(LessSafeKey::new)
        .map_err(|_| Error::internal("the key has the wrong length"))
}

/// The slug contains a hash of profile and account.
fn bound_to(slug: &str, file: &str, generation: u64) -> Aad<Vec<u8>> {
    Aad::from(format!("oauthctl sealed {VERSION}\0{slug}\0{file}\0{generation}").into_bytes())
}
