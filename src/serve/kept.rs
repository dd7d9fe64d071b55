//! Bundles that have judged, kept below the data directory, so that a restart takes back neither a rollback nor a promotion,
//! and a broken directory does not keep the service down.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::listener::ServeError;
use super::options::ServeOptions;
use super::vet::{Demands, Sizes, Vetted, checksum, compile, read, vet_files};
use crate::emit::Cursor;
use crate::engine::Bundle;
use crate::lexicon::SourceFile;

/// Largest kept bundle, unpacked, bytes.
const KEPT_BYTES_MAX: u64 = 1 << 30;
/// How hard kept bundles are pressed: the default of zstd.
const ZSTD_LEVEL: i32 = 3;

/// A bundle by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Name {
    /// Over its files.
    pub(super) checksum: String,
    /// What its decisions carry.
    pub(super) version: String,
}

/// Which bundle judged last, and where it came from.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct KeptState {
    pub(super) live: Name,
    pub(super) sizes: Sizes,
    /// The one before, which a rollback brings back.
    #[serde(default)]
    pub(super) previous: Option<Name>,
    /// The bundle directory; empty for the bundle that is built into the program.
    pub(super) dir: String,
    /// Checksum of the bundle directory when `live` was chosen. As long as the directory has not changed since, `live` holds,
    /// also when it is another bundle.
    pub(super) source: String,
}

/// The directory of kept bundles.
#[derive(Clone, Debug)]
pub(super) struct Kept(PathBuf);

impl Kept {
    pub(super) fn new(data_dir: &Path) -> Self {
        Self(data_dir.join("bundles"))
    }

    fn cursor(&self) -> Cursor {
        Cursor::new(&self.0, "live")
    }

    /// Which bundle judged last; nothing before the first.
    pub(super) fn state(&self) -> io::Result<Option<KeptState>> {
        self.cursor().read()
    }

    /// Notes which bundle judges, and forgets the files of all that are neither it nor the one before.
    pub(super) fn note(&self, state: &KeptState) -> io::Result<()> {
        self.cursor().write(state)?;
        let needed = [Some(&state.live), state.previous.as_ref()];
        let needed: Vec<PathBuf> =
            needed.into_iter().flatten().map(|name| self.path_of(&name.checksum)).collect();
        for path in fs::read_dir(&self.0)?.flatten().map(|entry| entry.path()) {
            let is_kept = path.extension().is_some_and(|extension| extension == "bundle");
            if is_kept && !needed.contains(&path) {
                fs::remove_file(&path)?;
            }
        }
        Ok(())
    }

    fn path_of(&self, checksum: &str) -> PathBuf {
        self.0.join(format!("{checksum}.bundle"))
    }

    /// Keeps the files of a bundle. After a crash all of them are there, or none.
    pub(super) fn save(&self, checksum: &str, files: &[SourceFile]) -> io::Result<()> {
        let path = self.path_of(checksum);
        if path.exists() {
            return Ok(());
        }
        fs::create_dir_all(&self.0)?;
        let parts: Vec<(&str, &str)> =
            files.iter().map(|file| (file.path.as_str(), file.text.as_str())).collect();
        let bytes = postcard::to_stdvec(&parts).map_err(io::Error::other)?;
        let temporary = path.with_extension("new");
        let write = || -> io::Result<()> {
            let mut file = File::create(&temporary)?;
            file.write_all(&zstd::encode_all(bytes.as_slice(), ZSTD_LEVEL)?)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)
        };
        let written = write();
        if written.is_err() {
            // Half a bundle only takes room.
            let _ = fs::remove_file(&temporary);
        }
        written
    }

    /// The files of a bundle, checked.
    pub(super) fn load(&self, checksum_wanted: &str) -> Result<Vec<SourceFile>, String> {
        let failed = |e: String| format!("the kept bundle {checksum_wanted}: {e}");
        let file = File::open(self.path_of(checksum_wanted)).map_err(|e| failed(e.to_string()))?;
        let decoder = zstd::Decoder::new(file).map_err(|e| failed(e.to_string()))?;
        let mut bytes = Vec::new();
        decoder.take(KEPT_BYTES_MAX).read_to_end(&mut bytes).map_err(|e| failed(e.to_string()))?;
        let parts: Vec<(String, String)> = postcard::from_bytes(&bytes).map_err(|e| failed(e.to_string()))?;
        let files: Vec<SourceFile> =
            parts.into_iter().map(|(path, text)| SourceFile { path, text }).collect();
        if checksum(&files) == checksum_wanted { Ok(files) } else { Err(failed("it is damaged".to_owned())) }
    }
}

/// The bundle that a service starts with.
#[derive(Debug)]
pub struct Starting {
    pub(super) bundle: Arc<Bundle>,
    /// Its files, and what is noted of it; none for a bundle that was put together in memory.
    pub(super) origin: Option<(Vec<SourceFile>, KeptState)>,
    /// What is not as it should be: the directory was refused, and the last good bundle judges.
    pub(super) refused: Option<String>,
}

impl From<Bundle> for Starting {
    /// A bundle that is not kept: a restart begins with whatever it is given.
    fn from(bundle: Bundle) -> Self {
        Self { bundle: Arc::new(bundle), origin: None, refused: None }
    }
}

impl Starting {
    /// Finds the bundle to start with: that of the directory, checked as at a reload; the one that was live, if the directory
    /// is as it was when that was chosen, or is refused.
    ///
    /// # Errors
    /// The directory is refused and no other bundle is kept.
    pub fn find(options: &ServeOptions) -> Result<Self, ServeError> {
        let kept = Kept::new(&options.data_dir);
        // What cannot be read is as good as nothing: the directory is what counts.
        let before = kept.state().unwrap_or_default();
        let dir = options.bundle_dir.as_deref();
        // Another directory is a new beginning.
        let before = before.filter(|state| state.dir == name_of(dir));
        let found = read(dir, options.bundles.is_manifest_required);
        if let (Ok(files), Some(state)) = (&found, &before)
            && state.source == checksum(files)
            && state.live.checksum != state.source
            && let Ok(starting) = Self::kept(&kept, state)
        {
            return Ok(starting);
        }
        let demands = Demands {
            expected_version: "",
            allow_shrink: false,
            is_manifest_required: options.bundles.is_manifest_required,
        };
        let sizes = before.as_ref().map(|state| &state.sizes);
        match found.and_then(|files| vet_files(files, dir, sizes, demands)) {
            Ok(vetted) => Ok(Self::of(vetted, dir, before)),
            Err(why) => {
                let last_good = before.ok_or_else(|| why.clone()).and_then(|state| Self::kept(&kept, &state));
                let mut starting = last_good.map_err(ServeError::Start)?;
                starting.refused = Some(why);
                Ok(starting)
            }
        }
    }

    fn of(vetted: Vetted, dir: Option<&Path>, before: Option<KeptState>) -> Self {
        let Vetted { bundle, files, checksum } = vetted;
        let live = Name { checksum: checksum.clone(), version: bundle.versions().bundle.clone() };
        let previous =
            before.and_then(
                |state| {
                    if state.live.checksum == checksum { state.previous } else { Some(state.live) }
                },
            );
        let state =
            KeptState { live, sizes: Sizes::of(&bundle), previous, dir: name_of(dir), source: checksum };
        Self { bundle: Arc::new(bundle), origin: Some((files, state)), refused: None }
    }

    fn kept(kept: &Kept, state: &KeptState) -> Result<Self, String> {
        let files = kept.load(&state.live.checksum)?;
        let bundle = compile(&files)?;
        let live = Name { version: bundle.versions().bundle.clone(), ..state.live.clone() };
        let state = KeptState { live, ..state.clone() };
        Ok(Self { bundle: Arc::new(bundle), origin: Some((files, state)), refused: None })
    }

    /// Version of the bundle.
    pub fn version(&self) -> &str {
        &self.bundle.versions().bundle
    }

    /// Why the bundle directory was refused and the last good bundle judges instead, if that is so.
    pub fn refused(&self) -> Option<&str> {
        self.refused.as_deref()
    }
}

fn name_of(dir: Option<&Path>) -> String {
    dir.map(|dir| dir.display().to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(text: &str) -> Vec<SourceFile> {
        vec![SourceFile { path: "policy.toml".to_owned(), text: text.to_owned() }]
    }

    #[test]
    fn what_was_kept_comes_back_and_damage_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let kept = Kept::new(dir.path());
        assert_eq!(kept.state().unwrap(), None);
        let sums: Vec<String> = ["a", "b", "c"].map(files).iter().map(|files| checksum(files)).collect();
        for (sum, text) in sums.iter().zip(["a", "b", "c"]) {
            kept.save(sum, &files(text)).unwrap();
        }
        let name = |sum: &String| Name { checksum: sum.clone(), version: String::new() };
        let state =
            KeptState { live: name(&sums[2]), previous: Some(name(&sums[1])), ..KeptState::default() };
        kept.note(&state).unwrap();
        assert_eq!(kept.state().unwrap(), Some(state));
        assert_eq!(kept.load(&sums[1]).unwrap()[0].text, "b");
        assert!(kept.load(&sums[0]).is_err(), "neither the live one nor the one before");
        fs::copy(kept.path_of(&sums[1]), kept.path_of(&sums[2])).unwrap();
        assert!(kept.load(&sums[2]).unwrap_err().contains("damaged"));
        fs::write(kept.path_of(&sums[2]), "no bundle").unwrap();
        assert!(kept.load(&sums[2]).is_err());
    }
}
