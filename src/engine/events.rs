//! Lines of the engagement stream → what the detector takes, with the ids that belong to it.

use core::net::Ipv6Addr;

use crate::decide::Engagement;
use crate::engagement::{
    AGE_UNKNOWN, CREDIT_UNKNOWN, Event, FollowerCount, Kind, Reason, Tags, TargetKind, Window,
};
use crate::model::{EventLine, EventTarget, ItemError, ItemKind};

/// Longest id of an actor or a target.
const ID_BYTES_MAX: usize = 128;
/// Times that an event may have, in milliseconds since 1970: 1990 to 2100.
const TIMES_MS: core::ops::Range<i64> = 631_152_000_000..4_102_444_800_000;
/// Longest registered window: a year and a day.
const WINDOW_S_MAX: u32 = 366 * 86_400;

/// The engagement stream of a stretch of input, in its order. 32 bytes and the ids per event.
#[derive(Debug, Default)]
pub struct EventBatch {
    pub(super) events: Vec<Event>,
    /// What stands between the events, each with the number of events before it.
    pub(super) others: Vec<(usize, Other)>,
    /// Ids, one after the other, and where those of each line are: start, length of the actor's, length of the target's.
    ids: String,
    spans: Vec<(usize, u8, u8)>,
    keys: Vec<(u64, u64)>,
}

/// What is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Other {
    FollowerCount(FollowerCount),
    Window(Window),
}

impl EventBatch {
    /// Forgets its lines and keeps its room.
    pub fn clear(&mut self) {
        let Self { events, others, ids, spans, keys } = self;
        events.clear();
        others.clear();
        ids.clear();
        spans.clear();
        keys.clear();
    }

    /// Checks a line and adds it. O(line); allocates as the batch grows.
    ///
    /// # Errors
    /// Something is missing, or a value cannot be: a time before 1990 or after 2100, an id beyond 128 bytes, a window that ends before
    /// it begins.
    pub fn push(&mut self, policy: &Engagement, line: &EventLine<'_>) -> Result<(), ItemError> {
        let (target_kind, target) = target_key(policy, &line.target)?;
        let mut actor = None;
        match line.item_kind {
            ItemKind::Engagement => {
                let event = event(policy, line, target_kind, target)?;
                actor = Some(event.actor);
                self.events.push(event);
            }
            ItemKind::FollowerCount => {
                let count = line.count.ok_or_else(|| missing("count"))?;
                let sample = FollowerCount { target, time_s: time_s("time", line.time)?, count };
                self.others.push((self.events.len(), Other::FollowerCount(sample)));
            }
            ItemKind::EngagementWindow => {
                let window = window(policy, line, target)?;
                self.others.push((self.events.len(), Other::Window(window)));
            }
            ItemKind::Post | ItemKind::Comment | ItemKind::Profile => {
                return Err(ItemError::Event("content is no event of the engagement stream".to_owned()));
            }
        }
        self.remember(line, actor.unwrap_or(0), target);
        Ok(())
    }

    fn remember(&mut self, line: &EventLine<'_>, actor_key: u64, target_key: u64) {
        let actor = if line.item_kind == ItemKind::Engagement { line.actor.id.as_ref() } else { "" };
        let target = line.target.id.as_ref();
        let length = |id: &str| u8::try_from(id.len()).unwrap_or(u8::MAX);
        self.spans.push((self.ids.len(), length(actor), length(target)));
        self.keys.push((actor_key, target_key));
        self.ids.push_str(actor);
        self.ids.push_str(target);
    }

    /// The ids with their keys, those of actors and of targets; empty ones left out.
    pub(super) fn names(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let parts = self.spans.iter().zip(&self.keys).flat_map(|((start, actor, target), keys)| {
            let middle = start + usize::from(*actor);
            let end = middle + usize::from(*target);
            let part = |from: usize, to: usize| self.ids.as_bytes().get(from..to).unwrap_or_default();
            [(keys.0, part(*start, middle)), (keys.1, part(middle, end))]
        });
        parts.filter(|(_, id)| !id.is_empty())
    }

    /// Events, without samples and windows.
    pub fn events(&self) -> usize {
        self.events.len()
    }

    /// Samples of follower counts and registered windows.
    pub fn others(&self) -> usize {
        self.others.len()
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.events.is_empty() && self.others.is_empty()
    }
}

fn event(
    policy: &Engagement,
    line: &EventLine<'_>,
    target_kind: TargetKind,
    target: u64,
) -> Result<Event, ItemError> {
    let kind = match line.kind.as_ref() {
        "read" => Kind::Read,
        "like" => Kind::Like,
        "repost" => Kind::Repost,
        "comment" => Kind::Comment,
        "follow" => Kind::Follow,
        "unfollow" => Kind::Unfollow,
        "" => return Err(missing("kind")),
        _ => {
            return Err(ItemError::Event(
                "`kind` must be read, like, repost, comment, follow or unfollow".to_owned(),
            ));
        }
    };
    check_id("actor", &line.actor.id)?;
    let age_days = line
        .actor
        .age_days
        .map_or(AGE_UNKNOWN, |days| u16::try_from(days).unwrap_or(AGE_UNKNOWN).min(AGE_UNKNOWN - 1));
    let credit = line.actor.credit_tier.map_or(CREDIT_UNKNOWN, |tier| tier.min(CREDIT_UNKNOWN - 1));
    let short = |id: &str| if id.is_empty() { 0 } else { policy.keys.short_key(id.as_bytes()) };
    Ok(Event {
        time_s: time_s("time", line.time)?,
        actor: policy.keys.key(line.actor.id.as_bytes()),
        target,
        device: short(&line.device),
        network: network_key(policy, &line.ip),
        age_days,
        kind,
        tags: Tags::new(target_kind, credit),
    })
}

fn window(policy: &Engagement, line: &EventLine<'_>, target: u64) -> Result<Window, ItemError> {
    let reason = match line.reason.as_ref() {
        "lottery" => Reason::Lottery,
        "push" => Reason::Push,
        "import" => Reason::Import,
        "merge" => Reason::Merge,
        "exempt" => Reason::Exempt,
        "" => return Err(missing("reason")),
        _ => {
            return Err(ItemError::Event(
                "`reason` must be lottery, push, import, merge or exempt".to_owned(),
            ));
        }
    };
    let (from_s, to_s) = (time_s("from", line.from)?, time_s("to", line.to)?);
    if from_s >= to_s || to_s - from_s > WINDOW_S_MAX {
        return Err(ItemError::Event("a window ends after it begins, and within 366 days".to_owned()));
    }
    Ok(Window { target, reason, from_s, to_s, id: policy.keys.key(line.id.as_bytes()) })
}

fn missing(name: &str) -> ItemError {
    ItemError::Event(format!("`{name}` is missing"))
}

fn check_id(name: &str, id: &str) -> Result<(), ItemError> {
    if id.is_empty() {
        return Err(missing(name));
    }
    if id.len() > ID_BYTES_MAX {
        let found = id.len();
        return Err(ItemError::Event(format!(
            "id_bytes_max: `{name}` has {found} bytes, the limit is {ID_BYTES_MAX}"
        )));
    }
    Ok(())
}

fn time_s(name: &str, time_ms: Option<i64>) -> Result<u32, ItemError> {
    let time = time_ms.ok_or_else(|| missing(name))?;
    if !TIMES_MS.contains(&time) {
        return Err(ItemError::Event(format!("`{name}` is not between 1990 and 2100")));
    }
    Ok(u32::try_from(time / 1000).unwrap_or(u32::MAX))
}

/// Kind and key of a target; targets of different kinds have different keys.
fn target_key(policy: &Engagement, target: &EventTarget<'_>) -> Result<(TargetKind, u64), ItemError> {
    check_id("target", &target.id)?;
    let kind = match target.kind.as_ref() {
        "" | "account" => TargetKind::Account,
        "post" => TargetKind::Post,
        _ => TargetKind::Other,
    };
    Ok((kind, policy.keys.key(target.id.as_bytes()) ^ KIND_KEYS[kind as usize]))
}

/// Odd constants that set the keys of targets apart from those of actors and of each other.
const KIND_KEYS: [u64; 3] = [0x9e37_79b9_7f4a_7c15, 0xc2b2_ae3d_27d4_eb4f, 0x1656_67b1_9e37_79f9];

/// Key of a network: an address of version 4, the /64 of one of version 6, or what the platform gives in its place.
fn network_key(policy: &Engagement, ip: &str) -> u32 {
    if ip.is_empty() {
        return 0;
    }
    if ip.contains(':')
        && let Ok(address) = ip.parse::<Ipv6Addr>()
        && address.to_ipv4_mapped().is_none()
    {
        return policy.keys.short_key(&address.octets()[..8]);
    }
    policy.keys.short_key(ip.as_bytes())
}
