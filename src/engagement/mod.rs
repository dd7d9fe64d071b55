//! Engagement events → evidence per target and hour that counts were made and not earned.
//!
//! In go [`Event`]s (who did what to whom, when, from where), follower counts and registered windows; out come [`Score`]s:
//! one per target and hour, with every number that it is made of. The unit is the target's hour, since what must not be
//! falsified are the counts of a target; a single action proves nothing.

mod actor;
mod calibration;
mod close;
mod cohort;
mod config;
mod detector;
mod doubt;
mod event;
mod evidence;
mod followers;
mod marked;
mod pairs;
mod places;
mod rounding;
mod saved;
mod score;
mod season;
mod state;
mod table;
mod tail;
mod target;
mod voices;
mod waiting;

pub use cohort::Cohort;
pub use config::{Config, Limits};
pub use detector::{CohortRate, Counts, Detector, Ring};
pub use event::{AGE_UNKNOWN, CREDIT_UNKNOWN, Event, FollowerCount, Kind, Reason, Tags, TargetKind, Window};
pub use saved::StateError;
pub use score::{
    CoTarget, EVIDENCE_CAP, FAMILY_EVIDENCE_MIN, Family, History, Implicated, Marks, Prior, Score, Signal,
    SignalName, Tail, Without, recompute, recompute_alert,
};
pub use tail::{TAIL_MAX, bb_lower_tail, bb_tail, nb_lower_tail, nb_tail, regularity};
pub use voices::{
    CROWD_EVENTS_MIN, UNCONFIRMED_COMMON_FACTOR, UNCONFIRMED_FACTOR, UNCONFIRMED_MOOD_FACTOR,
    UNCONFIRMED_MOOD_MAX,
};
