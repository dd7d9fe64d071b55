//! Who judges a request: the live bundle, or a candidate that is tried on a part of the accounts.
//!
//! A request takes the roster once and keeps it to its end, so that no request sees a mixture.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::canary::Canary;
use super::shadow::Trial;
use crate::engine::Bundle;
use crate::model::KeyHash;

/// The bundles at one moment. Immutable; a change replaces the whole.
#[derive(Debug)]
pub(super) struct Roster {
    /// Judges, unless the candidate does.
    pub(super) live: Arc<Bundle>,
    /// Being tried.
    pub(super) candidate: Option<Candidate>,
}

/// A bundle that is being tried.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    pub(super) trial: Arc<Trial>,
    pub(super) canary: Canary,
}

/// Who judges one item.
#[derive(Debug)]
pub(super) struct Judge<'r> {
    pub(super) bundle: &'r Arc<Bundle>,
    /// The trial in which the item is judged by the candidate.
    pub(super) canary: Option<&'r Trial>,
}

impl Roster {
    /// A live bundle and nothing beside it.
    pub(super) fn of(live: Arc<Bundle>) -> Self {
        Self { live, candidate: None }
    }

    /// Who judges the items of an account. The same account has the same judge for as long as the share does not shrink; items
    /// without an account are judged by the live bundle.
    pub(super) fn judge_of(&self, account: &str) -> Judge<'_> {
        match &self.candidate {
            Some(candidate) if candidate.canary.includes(account) => {
                Judge { bundle: candidate.trial.bundle(), canary: Some(&candidate.trial) }
            }
            _ => Judge { bundle: &self.live, canary: None },
        }
    }
}

/// The hash by which accounts are chosen: nobody outside can tell, or choose, who is in. It stays for the life of the data
/// directory, so that one trial after the other begins with the same accounts.
///
/// # Errors
/// The file cannot be read or written, or the system has no random bytes.
pub(super) fn account_hash(data_dir: &Path) -> std::io::Result<KeyHash> {
    let path = data_dir.join("canary.key");
    match std::fs::read_to_string(&path) {
        Ok(phrase) if !phrase.trim().is_empty() => return Ok(KeyHash::new(phrase.trim())),
        Ok(_) => {}
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(e),
    }
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).map_err(|e| std::io::Error::other(e.to_string()))?;
    let phrase = super::judge::hex(&bytes);
    super::access::private_file(&path)?.write_all(phrase.as_bytes())?;
    Ok(KeyHash::new(&phrase))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_accounts_of_a_trial_stay_over_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let first = account_hash(dir.path()).unwrap();
        assert!(first == account_hash(dir.path()).unwrap());
        let other = tempfile::tempdir().unwrap();
        assert!(first != account_hash(other.path()).unwrap());
    }
}
