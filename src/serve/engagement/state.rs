//! The detector's state over a restart: saved now and then and when the service stops, taken up at the next start.

use std::io::{self, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::scores::TargetScore;
use super::silence::Silence;
use crate::emit::Cursor;
use crate::engine::{Bundle, Ledger, LedgerError};
use crate::serve::idempotency::Key;
use crate::store::log::Position;
use crate::store::{SnapshotError, SnapshotStamp};

/// Names of the stamp and of the snapshot below the data directory.
const STAMP: &str = "engagement";
/// Changes with every change of the types behind the ledger.
const LAYOUT: u32 = 1;
/// What is hashed to see whether the policy makes the same keys of ids as before.
const KEY_PROBE: &[u8] = b"qingliu";

/// Why a saved state is not taken up, or not saved.
#[derive(Debug, thiserror::Error)]
pub(super) enum StateError {
    #[error("{0}")]
    Snapshot(#[from] SnapshotError),
    #[error("the stamp: {0}")]
    Stamp(#[from] io::Error),
    #[error("{0}")]
    Ledger(#[from] LedgerError),
    #[error("it is cut off")]
    CutOff,
    #[error("it is of another version")]
    Layout,
    #[error("it was saved with another engagement.key")]
    Key,
    #[error("{0}")]
    Read(String),
}

/// What a stamp says of its snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Stamp {
    snapshot: SnapshotStamp,
    /// The last record of the journal that is in it.
    pub(super) journal: Position,
    /// The log of decisions holds all decisions that followed so far before this place.
    pub(super) decisions: Position,
}

/// What is saved beside the ledger.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Rest {
    /// Idempotency keys with the digests of their bodies, their time and their record.
    pub(super) keys: Vec<(Key, Key, i64, Position)>,
    pub(super) silence: Silence,
    /// Answer of the policy's keys to [`KEY_PROBE`]; set when it is saved.
    pub(super) key_check: u64,
}

/// The stamp that was written last.
pub(super) fn stamp(data_dir: &Path) -> Result<Option<Stamp>, StateError> {
    Ok(Cursor::new(data_dir, STAMP).read()?)
}

/// Saves a state. After a crash the one before is there.
///
/// Takes as long as writing the ledger, whose bytes are in memory once more meanwhile.
pub(super) fn save<'s>(
    data_dir: &Path,
    (bundle, ledger): (&Bundle, &Ledger),
    mut rest: Rest,
    scores: impl IntoIterator<Item = &'s TargetScore>,
    (journal, decisions): (Position, Position),
) -> Result<Stamp, StateError> {
    rest.key_check = bundle.policy.engagement().keys.key(KEY_PROBE);
    let rest = postcard::to_stdvec(&rest).map_err(|e| StateError::Read(e.to_string()))?;
    // A stamp that cannot be read is replaced.
    let last = stamp(data_dir).unwrap_or_default().map(|stamp| stamp.snapshot);
    let snapshot = SnapshotStamp::write(&data_dir.join(STAMP), last.as_ref(), |out| {
        let mut bytes = Vec::new();
        ledger.write_to(&mut bytes)?;
        out.write_all(&LAYOUT.to_le_bytes())?;
        for part in [&bytes, &rest] {
            out.write_all(&(part.len() as u64).to_le_bytes())?;
            out.write_all(part)?;
        }
        for score in scores {
            out.write_all(&serde_json::to_vec(score)?)?;
            out.write_all(b"\n")?;
        }
        Ok(())
    })?;
    let stamp = Stamp { snapshot, journal, decisions };
    Cursor::new(data_dir, STAMP).write(&stamp)?;
    Ok(stamp)
}

/// Reads the state of a stamp.
pub(super) fn load(
    data_dir: &Path,
    bundle: &Bundle,
    stamp: &Stamp,
) -> Result<(Ledger, Rest, Vec<TargetScore>), StateError> {
    let bytes = stamp.snapshot.read(&data_dir.join(STAMP))?;
    let (layout, mut bytes) = bytes.split_first_chunk().ok_or(StateError::CutOff)?;
    if u32::from_le_bytes(*layout) != LAYOUT {
        return Err(StateError::Layout);
    }
    let (ledger, rest) = (part(&mut bytes)?, part(&mut bytes)?);
    let rest: Rest = postcard::from_bytes(rest).map_err(|e| StateError::Read(e.to_string()))?;
    if rest.key_check != bundle.policy.engagement().keys.key(KEY_PROBE) {
        return Err(StateError::Key);
    }
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let scores = lines.map(serde_json::from_slice).collect::<Result<_, _>>();
    Ok((Ledger::load(bundle, ledger)?, rest, scores.map_err(|e| StateError::Read(e.to_string()))?))
}

/// Takes a part with its length off the front.
fn part<'b>(bytes: &mut &'b [u8]) -> Result<&'b [u8], StateError> {
    let (length, rest) = bytes.split_first_chunk().ok_or(StateError::CutOff)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| StateError::CutOff)?;
    let (part, rest) = rest.split_at_checked(length).ok_or(StateError::CutOff)?;
    *bytes = rest;
    Ok(part)
}
