//! Who may do what: keys with roles, stored as hashes, compared in constant time.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::judge::hex;
use super::problem::{Problem, ProblemCode};

/// What a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Asks for decisions.
    Publisher,
    /// Runs the service.
    Operator,
    /// Looks at decisions and their evidence.
    Reviewer,
    /// Looks at what was decided and who looked.
    Auditor,
    /// May do everything.
    Admin,
}

impl Role {
    /// All roles.
    pub const ALL: [Self; 5] = [Self::Publisher, Self::Operator, Self::Reviewer, Self::Auditor, Self::Admin];

    /// The name that files and commands use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Publisher => "publisher",
            Self::Operator => "operator",
            Self::Reviewer => "reviewer",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }

    /// The role of a name, or nothing.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    /// Whether the role may do something.
    pub fn may(self, action: Action) -> bool {
        match action {
            Action::Describe => true,
            Action::Check | Action::Engage => matches!(self, Self::Publisher | Self::Admin),
            Action::Scores | Action::Docket => {
                matches!(self, Self::Operator | Self::Reviewer | Self::Auditor | Self::Admin)
            }
            Action::Appeal => matches!(self, Self::Publisher | Self::Reviewer | Self::Admin),
            Action::Review => matches!(self, Self::Reviewer | Self::Admin),
            Action::Explain => matches!(self, Self::Reviewer | Self::Auditor | Self::Admin),
            Action::Bundles => matches!(self, Self::Operator | Self::Admin),
            Action::Metrics => matches!(self, Self::Operator | Self::Auditor | Self::Admin),
        }
    }
}

/// What can be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Read what the service offers: any valid key.
    Describe,
    /// Ask for decisions.
    Check,
    /// Tell what was read, liked, followed …
    Engage,
    /// See the engagement scores of a target.
    Scores,
    /// See a decision with its evidence.
    Explain,
    /// Object to a decision, for its author.
    Appeal,
    /// Say what holds instead of a decision.
    Review,
    /// See which appeals wait.
    Docket,
    /// See and change which bundle judges.
    Bundles,
    /// Read the metrics.
    Metrics,
}

/// A key as it is stored: never the key itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Key {
    /// Eight hexadecimal digits; part of the key, not secret.
    pub id: String,
    /// Who uses it. A rotated key keeps the name.
    pub name: String,
    /// What it is for.
    pub roles: Vec<Role>,
    /// SHA-256 of the secret part, in hexadecimal.
    pub hash: String,
    /// When it was made, milliseconds since 1970.
    pub created_ms: i64,
    /// From when it no longer counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_ms: Option<i64>,
    /// Requests a second; absent for no limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_second: Option<NonZeroU32>,
}

/// Why keys cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("keys {path}: {problem}")]
    File {
        /// The file.
        path: String,
        /// Why.
        problem: String,
    },
    /// It would be taken for another caller in the log, or for more than one line in a list.
    #[error("a name has 1 to {NAME_CHARS_MAX} characters without controls, and is not `{LOCAL}`")]
    Name,
    /// There is no key of this id.
    #[error("there is no key {0}")]
    Unknown(String),
    /// The system has no random bytes.
    #[error("no random bytes: {0}")]
    Random(String),
}

/// The keys of a service, in a file that only its owner may read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    path: PathBuf,
    /// The keys in the order of their making.
    pub keys: Vec<Key>,
}

const PREFIX: &str = "ql";
/// Name of whoever is let in without a key.
const LOCAL: &str = "local";
/// Longest name of a key.
const NAME_CHARS_MAX: usize = 64;
/// Largest key file, bytes.
const FILE_BYTES_MAX: usize = 16 << 20;
/// Bytes of a key's id and of its secret part.
const ID_BYTES: usize = 4;
const SECRET_BYTES: usize = 32;

fn random<const N: usize>() -> Result<[u8; N], KeyError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|e| KeyError::Random(e.to_string()))?;
    Ok(bytes)
}

fn hash_of(secret: &str) -> String {
    hex(&Sha256::digest(secret))
}

impl KeyFile {
    /// The keys below a data directory; none if there is no file yet.
    ///
    /// # Errors
    /// The file cannot be read, or is no key file.
    pub fn read(data_dir: &Path) -> Result<Self, KeyError> {
        let path = data_dir.join("keys.json");
        let failed = |problem: String| KeyError::File { path: path.display().to_string(), problem };
        let bytes = match fs::read(&path) {
            Ok(bytes) => bytes,
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Self { path, keys: Vec::new() }),
            Err(e) => return Err(failed(e.to_string())),
        };
        if bytes.len() > FILE_BYTES_MAX {
            return Err(failed(format!("is larger than {FILE_BYTES_MAX} bytes")));
        }
        let keys = serde_json::from_slice(&bytes).map_err(|e| failed(e.to_string()))?;
        Ok(Self { path, keys })
    }

    /// Makes a key and returns it; it is shown this once.
    ///
    /// # Errors
    /// A name that may not be, or the file cannot be written.
    pub fn add(
        &mut self,
        (name, roles): (&str, &[Role]),
        rate_per_second: Option<NonZeroU32>,
        (now_ms, expires_ms): (i64, Option<i64>),
    ) -> Result<String, KeyError> {
        let chars = name.chars().count();
        if !(1..=NAME_CHARS_MAX).contains(&chars) || name.chars().any(char::is_control) || name == LOCAL {
            return Err(KeyError::Name);
        }
        let (id, secret) = (hex(&random::<ID_BYTES>()?), hex(&random::<SECRET_BYTES>()?));
        self.keys.push(Key {
            id: id.clone(),
            name: name.to_owned(),
            roles: roles.to_vec(),
            hash: hash_of(&secret),
            created_ms: now_ms,
            expires_ms,
            rate_per_second,
        });
        self.write()?;
        Ok(format!("{PREFIX}_{id}_{secret}"))
    }

    /// Makes a key with the name, roles and rate of another, which ends at `until_ms`.
    ///
    /// # Errors
    /// There is no such key, or the file cannot be written.
    pub fn rotate(&mut self, id: &str, now_ms: i64, until_ms: i64) -> Result<String, KeyError> {
        let old = self.find(id)?;
        old.expires_ms = Some(old.expires_ms.map_or(until_ms, |ms| ms.min(until_ms)));
        let Key { name, roles, rate_per_second, .. } = old.clone();
        self.add((&name, &roles), rate_per_second, (now_ms, None))
    }

    /// Ends a key now.
    ///
    /// # Errors
    /// There is no such key, or the file cannot be written.
    pub fn revoke(&mut self, id: &str, now_ms: i64) -> Result<(), KeyError> {
        let old = self.find(id)?;
        old.expires_ms = Some(old.expires_ms.map_or(now_ms, |ms| ms.min(now_ms)));
        self.write()
    }

    fn find(&mut self, id: &str) -> Result<&mut Key, KeyError> {
        self.keys.iter_mut().find(|key| key.id == id).ok_or_else(|| KeyError::Unknown(id.to_owned()))
    }

    /// Replaces the file, whole or not at all.
    fn write(&self) -> Result<(), KeyError> {
        let failed =
            |e: io::Error| KeyError::File { path: self.path.display().to_string(), problem: e.to_string() };
        let temporary = self.path.with_extension("json.new");
        let write = || -> io::Result<()> {
            self.path.parent().map_or(Ok(()), fs::create_dir_all)?;
            let mut file = private_file(&temporary)?;
            file.write_all(&serde_json::to_vec_pretty(&self.keys)?)?;
            file.sync_all()?;
            fs::rename(&temporary, &self.path)
        };
        write().map_err(failed)
    }
}

#[cfg(unix)]
pub(super) fn private_file(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt as _;
    File::options().create(true).write(true).truncate(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
pub(super) fn private_file(path: &Path) -> io::Result<File> {
    File::create(path)
}

/// Who asks.
#[derive(Clone)]
pub(super) struct Caller {
    name: Arc<str>,
    roles: Vec<Role>,
    /// What is left of the key's rate.
    limit: Option<Arc<DefaultDirectRateLimiter>>,
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("name", &self.name).field("roles", &self.roles).finish_non_exhaustive()
    }
}

impl Caller {
    /// Whoever is on this machine, as long as there are no keys.
    pub(super) fn local() -> Self {
        Self { name: Arc::from(LOCAL), roles: vec![Role::Admin], limit: None }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn require(&self, action: Action) -> Result<(), Problem> {
        if self.roles.iter().any(|role| role.may(action)) {
            return Ok(());
        }
        Err(Problem::new(ProblemCode::Forbidden, "no role of this key may do this"))
    }

    /// Takes from the key's rate what a request of `items` items costs beyond the one that it has been counted as.
    pub(super) fn charge(&self, items: usize) -> Result<(), Problem> {
        let more = u32::try_from(items.saturating_sub(1)).ok().and_then(NonZeroU32::new);
        let (Some(limit), Some(more)) = (&self.limit, more) else { return Ok(()) };
        let detail = match limit.check_n(more) {
            Ok(Ok(())) => return Ok(()),
            Ok(Err(_)) => format!("rate_per_second: {items} items are more than is left of the key's rate"),
            Err(_) => format!("rate_per_second: {items} items at once are more than the key may ever send"),
        };
        Err(Problem::new(ProblemCode::RateLimited, detail).at("/items"))
    }
}

/// The keys of a running service.
#[derive(Default)]
pub(super) struct KeyRing(HashMap<String, (Key, Caller)>);

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("keys", &self.0.len()).finish_non_exhaustive()
    }
}

impl KeyRing {
    pub(super) fn new(file: KeyFile) -> Self {
        Self::default().renewed(file)
    }

    /// The keys of a file. Those that were here before have used up of their rate what they have used up here.
    pub(super) fn renewed(&self, file: KeyFile) -> Self {
        let with_limit = |key: Key| {
            let before = self.0.get(&key.id).filter(|(old, _)| old.rate_per_second == key.rate_per_second);
            let limit = before.and_then(|(_, caller)| caller.limit.clone()).or_else(|| {
                key.rate_per_second.map(|rate| Arc::new(RateLimiter::direct(Quota::per_second(rate))))
            });
            let caller = Caller { name: Arc::from(key.name.as_str()), roles: key.roles.clone(), limit };
            (key.id.clone(), (key, caller))
        };
        Self(file.keys.into_iter().map(with_limit).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whose key this is, if it is valid now and has not used up its rate.
    pub(super) fn check(&self, token: &str, now_ms: i64) -> Result<Caller, Problem> {
        let unauthorized = || Problem::new(ProblemCode::Unauthorized, "the key is wrong, expired or revoked");
        let mut parts = token.splitn(3, '_');
        let (prefix, id, secret) = (parts.next(), parts.next(), parts.next());
        let (Some(PREFIX), Some(id), Some(secret)) = (prefix, id, secret) else { return Err(unauthorized()) };
        let hash = hash_of(secret);
        let Some((key, caller)) = self.0.get(id) else { return Err(unauthorized()) };
        let is_right = bool::from(key.hash.as_bytes().ct_eq(hash.as_bytes()));
        if !is_right || key.expires_ms.is_some_and(|expires_ms| expires_ms <= now_ms) {
            return Err(unauthorized());
        }
        if caller.limit.as_ref().is_some_and(|limit| limit.check().is_err()) {
            let detail = format!("rate_per_second: {:?} requests a second", key.rate_per_second);
            return Err(Problem::new(ProblemCode::RateLimited, detail));
        }
        Ok(caller.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_works_until_it_is_revoked_or_rotated_away_and_its_secret_is_not_stored() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = KeyFile::read(dir.path()).unwrap();
        let first = file.add(("site", &[Role::Publisher]), None, (0, None)).unwrap();
        let id = file.keys[0].id.clone();
        let second = file.rotate(&id, 10, 20).unwrap();
        assert_eq!(KeyFile::read(dir.path()).unwrap(), file);
        let stored = fs::read_to_string(dir.path().join("keys.json")).unwrap();
        assert!(!stored.contains(first.rsplit('_').next().unwrap()));
        let ring = KeyRing::new(file.clone());
        assert_eq!(ring.check(&first, 19).unwrap().name(), "site");
        assert!(ring.check(&first, 20).is_err() && ring.check(&second, 20).is_ok());
        file.revoke(&file.keys[1].id.clone(), 30).unwrap();
        assert!(KeyRing::new(file.clone()).check(&second, 30).is_err());
        assert!(matches!(file.revoke("nothing", 0), Err(KeyError::Unknown(_))));
    }

    #[test]
    fn a_wrong_key_opens_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = KeyFile::read(dir.path()).unwrap();
        let key = file.add(("site", &[Role::Publisher]), None, (0, None)).unwrap();
        let ring = KeyRing::new(file);
        let last = if key.ends_with('0') { "1" } else { "0" };
        let wrong = format!("{}{last}", &key[..key.len() - 1]);
        for token in ["", "ql", "ql_", "ql__", &wrong, &key[..20], &format!("x{key}"), &format!("{key}0")] {
            let problem = ring.check(token, 0).unwrap_err();
            assert_eq!(problem.code, ProblemCode::Unauthorized, "{token}");
        }
    }

    #[test]
    fn a_key_has_a_rate_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = KeyFile::read(dir.path()).unwrap();
        let slow = file.add(("slow", &[Role::Publisher]), NonZeroU32::new(1), (0, None)).unwrap();
        let free = file.add(("free", &[Role::Publisher]), None, (0, None)).unwrap();
        // Reading the file again and again gives nothing back.
        let mut ring = KeyRing::new(file.clone());
        let mut limited = 0;
        for _ in 0..50 {
            limited += usize::from(ring.check(&slow, 0).is_err());
            ring = ring.renewed(file.clone());
        }
        assert!(limited >= 1, "{limited}");
        assert!((0..100).all(|_| ring.check(&free, 0).is_ok()));
    }

    #[test]
    fn several_items_at_once_cost_as_much_as_one_after_the_other() {
        let dir = tempfile::tempdir().unwrap();
        let mut file = KeyFile::read(dir.path()).unwrap();
        let key = file.add(("site", &[Role::Publisher]), NonZeroU32::new(100), (0, None)).unwrap();
        let caller = KeyRing::new(file).check(&key, 0).unwrap();
        assert!((0..1000).any(|_| caller.charge(80).is_err()));
        assert!((0..1000).all(|_| caller.charge(1).is_ok() && Caller::local().charge(1000).is_ok()));
        let too_many = caller.charge(102).unwrap_err();
        assert!(too_many.detail.contains("may ever send"), "{}", too_many.detail);
    }
}
