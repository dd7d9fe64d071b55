//! What is written: engagement events, samples of follower counts, registered windows.

use std::io::Write;

use anyhow::Result;

use crate::post::moment;
use crate::random::mix;

/// What an actor did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Action {
    Read,
    Like,
    Repost,
    Comment,
    Follow,
    Unfollow,
}

impl Action {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Like => "like",
            Self::Repost => "repost",
            Self::Comment => "comment",
            Self::Follow => "follow",
            Self::Unfollow => "unfollow",
        }
    }
}

/// Device and network of an event. 0 stands for none: jobs of the platform have neither.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) device: u32,
    pub(crate) network: u32,
}

/// One engagement event.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Event {
    pub(crate) time_ms: i64,
    pub(crate) actor: u32,
    pub(crate) target: u32,
    pub(crate) place: Place,
    pub(crate) action: Action,
    /// The attack or the innocent group that it belongs to, as a place in the plan.
    pub(crate) group: Option<u32>,
    /// Whether it was made to falsify a count. Cover events of an attack are not.
    pub(crate) fake: bool,
}

/// A registered window of a target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Window {
    pub(crate) time_ms: i64,
    pub(crate) target: u32,
    pub(crate) reason: &'static str,
    pub(crate) from_ms: i64,
    pub(crate) to_ms: i64,
}

/// A follower count as the platform shows it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Count {
    pub(crate) time_ms: i64,
    pub(crate) target: u32,
    pub(crate) followers: i64,
}

/// One line of the stream.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Line {
    Event(Event),
    Count(Count),
    Window(Window),
}

impl Line {
    pub(crate) fn time_ms(&self) -> i64 {
        match self {
            Self::Event(event) => event.time_ms,
            Self::Count(count) => count.time_ms,
            Self::Window(window) => window.time_ms,
        }
    }
}

/// What an event says about its actor, where that is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Told {
    pub(crate) age_days: i64,
    pub(crate) credit_tier: u8,
}

/// An id that tells nothing about what it names.
pub(crate) fn id(seed: u64, prefix: char, index: u32) -> String {
    let spread = mix(mix(seed ^ u64::from(prefix)) ^ u64::from(index));
    format!("{prefix}{:012x}", spread >> 16)
}

/// The id of the n-th event.
pub(crate) fn event_id(serial: u64) -> String {
    format!("e{serial}")
}

/// Writes an event; `target` is the JSON of its target. The parts hold no characters that JSON escapes.
pub(crate) fn write_event(
    out: &mut impl Write,
    seed: u64,
    serial: u64,
    event: &Event,
    told: Option<Told>,
    target: &str,
) -> Result<()> {
    write!(
        out,
        r#"{{"type":"engagement","id":"e{serial}","time":"{}","kind":"{}","#,
        moment(event.time_ms),
        event.action.name()
    )?;
    let actor = id(seed, 'u', event.actor);
    write!(out, r#""actor":{{"id":"{actor}""#)?;
    if let Some(Told { age_days, credit_tier }) = told {
        write!(out, r#","age_days":{age_days},"credit_tier":{credit_tier}"#)?;
    }
    write!(out, r#"}},"target":{target}"#)?;
    if event.place.network > 0 {
        write!(out, r#","ip":"{}""#, id(seed, 'n', event.place.network))?;
    }
    if event.place.device > 0 {
        write!(out, r#","device":"{}""#, id(seed, 'd', event.place.device))?;
    }
    writeln!(out, "}}")?;
    Ok(())
}

/// Writes a sample of a follower count.
pub(crate) fn write_count(out: &mut impl Write, count: &Count, target: &str) -> Result<()> {
    let (time, count) = (moment(count.time_ms), count.followers);
    writeln!(out, r#"{{"type":"follower_count","target":{target},"time":"{time}","count":{count}}}"#)?;
    Ok(())
}

/// Writes the registration of a window.
pub(crate) fn write_window(out: &mut impl Write, serial: u64, window: &Window, target: &str) -> Result<()> {
    let [from, to, time] = [window.from_ms, window.to_ms, window.time_ms].map(moment);
    let reason = window.reason;
    writeln!(
        out,
        r#"{{"type":"engagement_window","id":"w{serial}","target":{target},"reason":"{reason}","from":"{from}","to":"{to}","time":"{time}"}}"#
    )?;
    Ok(())
}
