//! What goes in beside content: engagement events, follower counts, windows that operators register.

use std::borrow::Cow;
use std::fmt;

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::item::{ItemError, ItemKind, Text, TextOrNumber, text, text_or_number, time_ms};

/// One line of the engagement stream as it was written. Borrows from the line where ids have no escapes.
///
/// What is required depends on the type; the engine checks it. Unknown keys are ignored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct EventLine<'a> {
    /// Which of the three.
    #[serde(rename = "type")]
    pub item_kind: ItemKind,
    /// The platform's id of an event or of a registration; may be empty.
    #[serde(borrow, default, deserialize_with = "text_or_number")]
    pub id: Cow<'a, str>,
    /// When it happened, in milliseconds since 1970 (UTC).
    #[serde(default, deserialize_with = "time_ms")]
    pub time: Option<i64>,
    /// What was done: `read`, `like` …
    #[serde(borrow, default, deserialize_with = "text")]
    pub kind: Cow<'a, str>,
    /// Who did it.
    #[serde(borrow, default)]
    pub actor: Actor<'a>,
    /// What it was done to.
    #[serde(borrow, default)]
    pub target: EventTarget<'a>,
    /// Network address or its hash; empty when unknown.
    #[serde(borrow, default, deserialize_with = "text_or_number")]
    pub ip: Cow<'a, str>,
    /// Device or its hash; empty when unknown.
    #[serde(borrow, default, deserialize_with = "text_or_number")]
    pub device: Cow<'a, str>,
    /// Why a window is registered.
    #[serde(borrow, default, deserialize_with = "text")]
    pub reason: Cow<'a, str>,
    /// First millisecond of a window.
    #[serde(default, deserialize_with = "time_ms")]
    pub from: Option<i64>,
    /// First millisecond after a window.
    #[serde(default, deserialize_with = "time_ms")]
    pub to: Option<i64>,
    /// Followers at a time.
    #[serde(default, deserialize_with = "count")]
    pub count: Option<u64>,
}

/// Who acted. A bare string is the id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Actor<'a> {
    /// Pseudonymous id; empty when missing.
    pub id: Cow<'a, str>,
    /// Days since registration.
    pub age_days: Option<u32>,
    /// Credit tier, lowest first.
    pub credit_tier: Option<u8>,
}

/// What was acted on. A bare string is the id of an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EventTarget<'a> {
    /// `account`, `post` or another word; empty means `account`.
    pub kind: Cow<'a, str>,
    /// The platform's id; empty when missing.
    pub id: Cow<'a, str>,
}

impl<'a> EventLine<'a> {
    /// Whether a line says at its start that it belongs to the engagement stream. Where the type stands elsewhere, reading the line
    /// as an item says so.
    pub fn is_announced(line: &[u8]) -> bool {
        line.strip_prefix(br#"{"type":""#)
            .is_some_and(|rest| rest.starts_with(b"engagement") || rest.starts_with(b"follower_count\""))
    }

    /// Parses one JSON object. O(line); allocates only for strings with escapes.
    ///
    /// # Errors
    /// Malformed JSON, a wrong type, a negative count.
    pub fn from_json(line: &'a str) -> Result<Self, ItemError> {
        serde_json::from_str(line).map_err(|e| ItemError::Json(e.to_string()))
    }
}

/// A whole number of followers.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    struct CountVisitor;
    impl Visitor<'_> for CountVisitor {
        type Value = Option<u64>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a count, a whole number from 0 on")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(None)
        }

        fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
            Ok(Some(number))
        }
    }
    deserializer.deserialize_any(CountVisitor)
}

impl<'de: 'a, 'a> Deserialize<'de> for Actor<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ActorVisitor)
    }
}

struct ActorVisitor;

impl<'de> Visitor<'de> for ActorVisitor {
    type Value = Actor<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an actor, an object or an id")
    }

    fn visit_borrowed_str<E>(self, id: &'de str) -> Result<Self::Value, E> {
        Ok(Actor { id: Cow::Borrowed(id), ..Actor::default() })
    }

    fn visit_str<E>(self, id: &str) -> Result<Self::Value, E> {
        Ok(Actor { id: Cow::Owned(id.to_owned()), ..Actor::default() })
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Actor::default())
    }

    fn visit_u64<E>(self, id: u64) -> Result<Self::Value, E> {
        Ok(Actor { id: Cow::Owned(id.to_string()), ..Actor::default() })
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut actor = Actor::default();
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match key.0.as_ref() {
                "id" => actor.id = map.next_value::<TextOrNumber<'de>>()?.0,
                "age_days" => actor.age_days = map.next_value()?,
                "credit_tier" => actor.credit_tier = map.next_value()?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(actor)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for EventTarget<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TargetVisitor)
    }
}

struct TargetVisitor;

impl<'de> Visitor<'de> for TargetVisitor {
    type Value = EventTarget<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a target, an object or an id")
    }

    fn visit_borrowed_str<E>(self, id: &'de str) -> Result<Self::Value, E> {
        Ok(EventTarget { id: Cow::Borrowed(id), ..EventTarget::default() })
    }

    fn visit_str<E>(self, id: &str) -> Result<Self::Value, E> {
        Ok(EventTarget { id: Cow::Owned(id.to_owned()), ..EventTarget::default() })
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(EventTarget::default())
    }

    fn visit_u64<E>(self, id: u64) -> Result<Self::Value, E> {
        Ok(EventTarget { id: Cow::Owned(id.to_string()), ..EventTarget::default() })
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut target = EventTarget::default();
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match key.0.as_ref() {
                "id" => target.id = map.next_value::<TextOrNumber<'de>>()?.0,
                "kind" => target.kind = map.next_value::<Text<'de>>()?.0,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(target)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_borrows_its_ids_and_takes_both_forms_of_actor_and_target() {
        let line = r#"{"type":"engagement","id":"e1","time":"2026-11-21T08:00:00Z","kind":"follow",
            "actor":{"id":"u1","age_days":3,"credit_tier":1,"x":[]},"target":{"kind":"post","id":7},"ip":"i","device":5}"#;
        assert!(EventLine::is_announced(line.as_bytes()));
        let event = EventLine::from_json(line).unwrap();
        assert!(matches!(event.actor.id, Cow::Borrowed("u1")) && event.item_kind == ItemKind::Engagement);
        assert_eq!((event.actor.age_days, event.actor.credit_tier), (Some(3), Some(1)));
        assert_eq!((event.target.kind.as_ref(), event.target.id.as_ref()), ("post", "7"));
        assert_eq!((event.device.as_ref(), event.time), ("5", Some(1_795_248_000_000)));
        let event =
            EventLine::from_json(r#"{"kind":"like","type":"engagement","actor":9,"target":"a"}"#).unwrap();
        assert_eq!((event.actor.id.as_ref(), event.target.id.as_ref()), ("9", "a"));
    }

    #[test]
    fn wrong_types_say_why() {
        for (line, part) in [
            (r#"{"type":"follower_count","count":-1}"#, "a count, a whole number from 0"),
            (r#"{"type":"follower_count","count":1.5}"#, "a count, a whole number from 0"),
            (r#"{"type":"engagement","actor":{"age_days":-3}}"#, "invalid value"),
            (r#"{"type":"engagement","actor":[1]}"#, "an actor"),
            (r#"{"type":"engagement","target":true}"#, "a target"),
            (r#"{"type":"engagement","time":"soon"}"#, "RFC 3339"),
            (r#"{"type":"engagement","#, "EOF"),
            (r#"{"type":"elsewhere"}"#, "unknown variant"),
        ] {
            let error = EventLine::from_json(line).unwrap_err().to_string();
            assert!(error.contains(part), "{line}: {error}");
        }
    }
}
