//! What is published, and what the truth about it is.

use serde_json::{Map, Value, json};

use crate::people::{DAY_MS, Population};

/// Another item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    /// The item that was written as the n-th.
    Serial(u64),
    /// A planned item, by its place in the plan.
    Planned(usize),
    /// Some item of the last hours; the number chooses.
    Recent(u64),
}

/// Why an item exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Nothing behind it; the kind of the text.
    Background(&'static str),
    /// Belongs to a group of the plan.
    Group(usize),
    /// An innocent post by an account of a campaign.
    Cover(usize),
}

/// Copied with a mark of where it is from.
#[derive(Clone, Debug)]
pub(crate) struct Repost {
    pub(crate) of: Reference,
    pub(crate) attribution: String,
}

/// One item before it has an id.
#[derive(Clone, Debug)]
pub(crate) struct Post {
    pub(crate) time_ms: i64,
    /// Place in the population.
    pub(crate) author: usize,
    pub(crate) surface: &'static str,
    pub(crate) title: String,
    pub(crate) text: String,
    /// Of a comment.
    pub(crate) parent: Option<Reference>,
    pub(crate) circle: Option<u32>,
    pub(crate) device: u32,
    pub(crate) network: u32,
    pub(crate) repost: Option<Repost>,
    pub(crate) source: Source,
}

/// A campaign or a benign look-alike.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) kind: &'static str,
    pub(crate) is_campaign: bool,
    /// Places in the population.
    pub(crate) accounts: Vec<usize>,
    /// The wordings that its items come from.
    pub(crate) templates: Vec<String>,
    /// Where accounts, devices, networks and times come from, in words.
    pub(crate) infrastructure: String,
}

/// The words of the truth file for groups and their items.
pub(crate) const CAMPAIGN: &str = "campaign";
pub(crate) const LOOK_ALIKE: &str = "look_alike";

impl Group {
    pub(crate) fn source(&self) -> &'static str {
        if self.is_campaign { CAMPAIGN } else { LOOK_ALIKE }
    }
}

/// A moment as RFC 3339 in UTC; the epoch when it is out of range.
pub(crate) fn moment(time_ms: i64) -> String {
    jiff::Timestamp::from_millisecond(time_ms).unwrap_or_default().to_string()
}

/// The id of the n-th item.
pub(crate) fn item_id(serial: u64) -> String {
    format!("p{serial}")
}

impl Post {
    /// The item in the interface of the product. `id` names other items, where they are known.
    pub(crate) fn to_json(
        &self,
        serial: u64,
        population: &Population,
        id: impl Fn(Reference) -> Option<u64>,
    ) -> Value {
        let author = &population.people[self.author];
        let age_days = (self.time_ms - author.registered_ms).div_euclid(DAY_MS).max(0);
        let mut item = Map::new();
        let mut put = |key: &str, value: Value| item.insert(key.to_owned(), value);
        put("type", json!(if self.parent.is_some() { "comment" } else { "post" }));
        put("id", json!(item_id(serial)));
        put("time", json!(moment(self.time_ms)));
        put("platform", json!("main"));
        put("surface", json!(self.surface));
        put(
            "account",
            json!({
                "id": author.id, "kind": author.kind.name(), "credit_tier": author.credit_tier,
                "age_days": age_days, "verified": author.verified,
            }),
        );
        if !self.title.is_empty() {
            put("title", json!(self.title));
        }
        put("text", json!(self.text));
        if let Some(parent) = self.parent.and_then(&id) {
            put("parent", json!(item_id(parent)));
        }
        if let Some(circle) = self.circle {
            put("group", json!(format!("g{circle}")));
        }
        put("ip", json!(population.hash('n', self.network)));
        put("device", json!(population.hash('d', self.device)));
        if let Some(repost) = &self.repost
            && let Some(of) = id(repost.of)
        {
            put("repost", json!({ "of": item_id(of), "attribution": repost.attribution }));
        }
        Value::Object(item)
    }
}
