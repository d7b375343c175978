//! A record of the file store. As a file it is refused: nobody without the key can make one. As a grant it survives
//! the store unchanged.

#![no_main]

use std::cell::OnceCell;
use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use oauthctl_core::Grant;
use oauthctl_core::port::GrantStore;
use oauthctl_core::store::{FileStore, KeySource};
use tempfile::TempDir;

struct Place {
    runtime: tokio::runtime::Runtime,
    directory: TempDir,
}

impl Place {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        Self { runtime, directory: tempfile::tempdir().unwrap() }
    }

    /// A store that has read nothing yet.
    fn store(&self) -> FileStore {
        let key = self.directory.path().join("store.key");
        FileStore::open(self.directory.path().join("tokens"), KeySource::Generated(key))
    }

    fn load(&self, grant: &Grant) -> oauthctl_core::Result<Option<Grant>> {
        self.runtime.block_on(self.store().load(&grant.key))
    }

    /// Stores the grant, and returns its file.
    fn save(&self, grant: &Grant) -> Option<PathBuf> {
        self.runtime.block_on(self.store().save(grant)).ok()?;
        let files = std::fs::read_dir(self.directory.path().join("tokens")).unwrap();
        let mut files = files.map(|file| file.unwrap().path());
        files.find(|file| file.extension().is_some_and(|extension| extension == "age"))
    }
}

thread_local! {
    static PLACE: OnceCell<Place> = const { OnceCell::new() };
}

/// A grant as it is stored.
const GRANT: &str = include_str!("../seeds/store_record/grant");

fuzz_target!(|bytes: &[u8]| {
    PLACE.with(|place| {
        let place = place.get_or_init(Place::new);
        if let Ok(grant) = serde_json::from_slice::<Grant>(bytes) {
            if let Some(file) = place.save(&grant) {
                if let Ok(Some(read)) = place.load(&grant) {
                    assert!(read == grant);
                }
                std::fs::remove_file(file).unwrap();
            }
        }
        let grant: Grant = serde_json::from_str(GRANT).unwrap();
        let file = place.save(&grant).unwrap();
        std::fs::write(&file, bytes).unwrap();
        assert!(place.load(&grant).is_err());
        std::fs::remove_file(file).unwrap();
    });
});
