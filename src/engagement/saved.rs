//! A detector as bytes and back.

use serde::{Deserialize, Serialize};

use super::close::Desk;
use super::config::{Config, Weights};
use super::detector::Detector;
use super::doubt::Doubt;
use super::event::{Event, FollowerCount, Kind, Tags, TargetKind};
use super::state::State;
use super::waiting::Waiting;

const MAGIC: [u8; 8] = *b"QLENGA\r\n";
/// 4: rows count regulars, pairs are remembered for a week.
const VERSION: u32 = 4;

/// Why bytes are no saved detector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The bytes are something else.
    #[error("these bytes are no saved detector")]
    Foreign,
    /// Saved by another version of the program.
    #[error("saved in format {found}, this program reads format {expected}")]
    Version {
        /// The format of the bytes.
        found: u32,
        /// The format that can be read.
        expected: u32,
    },
    /// Saved with other settings; scores would not go on as they were.
    #[error("saved with another configuration")]
    Config,
    /// A byte has changed, or some are missing.
    #[error("the saved detector is damaged: its checksum is wrong")]
    Damaged,
    /// A number cannot be.
    #[error("the saved detector is invalid: {0}")]
    Invalid(String),
}

/// An event that waits, as it is written.
type Written = (u32, u64, u64, u32, u32, u16, u8, u8);

#[derive(Serialize)]
struct Out<'a> {
    state: &'a State,
    base: u32,
    newest_s: u32,
    ahead_in_row: u32,
    doubt: Doubt,
    events: Vec<Written>,
    samples: Vec<(u64, u32, u64)>,
}

#[derive(Deserialize)]
struct In {
    state: State,
    base: u32,
    newest_s: u32,
    ahead_in_row: u32,
    doubt: Doubt,
    events: Vec<Written>,
    samples: Vec<(u64, u32, u64)>,
}

fn write(event: &Event) -> Written {
    let tags = event.tags.target_kind() as u8;
    let (kind, credit) = (event.kind as u8, event.tags.credit());
    (
        event.time_s,
        event.actor,
        event.target,
        event.device,
        event.network,
        event.age_days,
        kind,
        tags << 4 | credit,
    )
}

fn read(written: &Written) -> Option<Event> {
    let (time_s, actor, target, device, network, age_days, kind, tags) = *written;
    let kind = *Kind::ALL.get(usize::from(kind))?;
    let target_kind = *TargetKind::ALL.get(usize::from(tags >> 4))?;
    let tags = Tags::new(target_kind, tags & 15);
    Some(Event { time_s, actor, target, device, network, age_days, kind, tags })
}

impl Detector {
    /// The state as bytes, a checksum at the end. [`Detector::load`] makes a detector of them that goes on as this one.
    /// O(state).
    ///
    /// # Errors
    /// [`StateError::Invalid`] if the state cannot be written, which no state of ours is known to do.
    pub fn save(&self) -> Result<Vec<u8>, StateError> {
        let mut bytes = MAGIC.to_vec();
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.config.hash().to_le_bytes());
        let out = Out {
            state: &self.state,
            base: self.waiting.base,
            newest_s: self.waiting.newest_s,
            ahead_in_row: self.waiting.ahead_in_row,
            doubt: self.waiting.doubt,
            events: self.waiting.events().map(write).collect(),
            samples: self.samples.iter().map(|s| (s.target, s.time_s, s.count)).collect(),
        };
        let mut bytes = postcard::to_extend(&out, bytes).map_err(|e| StateError::Invalid(e.to_string()))?;
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        Ok(bytes)
    }

    /// Reads what [`Detector::save`] wrote. O(state).
    ///
    /// # Errors
    /// Bytes that are foreign, of another version or configuration, damaged or invalid.
    pub fn load(config: Config, bytes: &[u8]) -> Result<Self, StateError> {
        let mut detector = Self::new(config);
        let body = bytes.strip_prefix(&MAGIC).ok_or(StateError::Foreign)?;
        let (version, body) = body.split_first_chunk::<4>().ok_or(StateError::Damaged)?;
        let found = u32::from_le_bytes(*version);
        if found != VERSION {
            return Err(StateError::Version { found, expected: VERSION });
        }
        let (summed, sum) = bytes.split_last_chunk::<4>().ok_or(StateError::Damaged)?;
        if crc32fast::hash(summed) != u32::from_le_bytes(*sum) {
            return Err(StateError::Damaged);
        }
        let (hash, body) = body.split_first_chunk::<8>().ok_or(StateError::Damaged)?;
        if u64::from_le_bytes(*hash) != detector.config.hash() {
            return Err(StateError::Config);
        }
        let body = body.get(..body.len().saturating_sub(4)).unwrap_or_default();
        let invalid = |problem: &str| StateError::Invalid(problem.to_owned());
        let read_in: In = postcard::from_bytes(body).map_err(|e| invalid(&e.to_string()))?;
        detector.state = read_in.state;
        if !detector.state.restore(&detector.config) {
            return Err(invalid("a table does not fit the configuration"));
        }
        let is_full = read_in.events.len() > detector.config.limits.waiting_max as usize;
        let is_crowded = read_in.samples.len() > detector.config.limits.follower_counts_max as usize;
        if is_full || is_crowded || read_in.newest_s / 60 < read_in.base.saturating_sub(1) {
            return Err(invalid("more waits than may"));
        }
        let mut waiting = Waiting::default();
        waiting.base = read_in.base;
        waiting.newest_s = read_in.newest_s;
        waiting.ahead_in_row = read_in.ahead_in_row;
        waiting.doubt = read_in.doubt;
        for written in &read_in.events {
            let event = read(written).ok_or_else(|| invalid("an event"))?;
            if event.time_s > read_in.newest_s || !waiting.push(event) {
                return Err(invalid("the time of an event"));
            }
        }
        detector.waiting = waiting;
        let sample = |(target, time_s, count): (u64, u32, u64)| FollowerCount { target, time_s, count };
        detector.samples = read_in.samples.into_iter().map(sample).collect();
        detector.weights = Weights::new(&detector.config.weights);
        detector.desk = Desk::default();
        Ok(detector)
    }
}
