//! What goes in: one post, comment or profile.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Error as _, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::scale::Surface;

/// One thing to judge. Borrows from the input line where the text has no escapes.
///
/// In JSON only `text` is required (or `fields`, for a profile); unknown keys are ignored.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Item<'a> {
    /// The platform's id; empty means that the reader names the item by its place in the input.
    #[serde(borrow, default, deserialize_with = "text_or_number")]
    pub id: Cow<'a, str>,
    /// Post, comment or profile.
    #[serde(rename = "type", default)]
    pub kind: ItemKind,
    /// When it was published, in milliseconds since 1970 (UTC).
    #[serde(default, deserialize_with = "time_ms")]
    pub time: Option<i64>,
    /// Where it is shown; derived from the type when absent.
    #[serde(default)]
    pub surface: Option<Surface>,
    /// Who wrote it.
    #[serde(borrow, default)]
    pub account: Account<'a>,
    /// Headline; may be empty.
    #[serde(borrow, default, deserialize_with = "text")]
    pub title: Cow<'a, str>,
    /// The body.
    #[serde(borrow, default, deserialize_with = "required_text")]
    pub text: Option<Cow<'a, str>>,
    /// Further named texts: `name`, `bio`, `caption` …, in the order of the input.
    #[serde(borrow, default, deserialize_with = "fields")]
    pub fields: Vec<Field<'a>>,
    /// What a comment stands under; empty when unknown.
    #[serde(borrow, default, deserialize_with = "text_or_number")]
    pub parent: Cow<'a, str>,
    /// Network address or its hash; empty when unknown.
    #[serde(borrow, default, deserialize_with = "text_or_number")]
    pub ip: Cow<'a, str>,
    /// Device or its hash; empty when unknown.
    #[serde(borrow, default, deserialize_with = "text_or_number")]
    pub device: Cow<'a, str>,
    /// Whose words it repeats by its own account.
    #[serde(borrow, default)]
    pub repost: Option<Repost<'a>>,
}

/// Where a repost comes from, as the platform or the author says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Repost<'a> {
    /// The item that is repeated; empty when unknown.
    #[serde(borrow, default, deserialize_with = "text_or_number")]
    pub of: Cow<'a, str>,
    /// How it is attributed, in the author's words; may be empty.
    #[serde(borrow, default, deserialize_with = "text")]
    pub attribution: Cow<'a, str>,
}

/// A named text of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// `name`, `bio` …
    pub name: Cow<'a, str>,
    /// Its text.
    pub text: Cow<'a, str>,
}

/// What an item is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ItemKind {
    /// A post or article.
    #[default]
    Post,
    /// A comment.
    Comment,
    /// A profile.
    Profile,
    /// An engagement event. It has no text and is judged by another stage, and so are the next two.
    Engagement,
    /// How many followers an account had at a time.
    #[serde(rename = "follower_count")]
    FollowerCount,
    /// A stretch of time in which an operator expects something unusual.
    #[serde(rename = "engagement_window")]
    EngagementWindow,
}

impl ItemKind {
    /// Whether it belongs to the engagement stream and has no text.
    pub fn is_event(self) -> bool {
        match self {
            Self::Engagement | Self::FollowerCount | Self::EngagementWindow => true,
            Self::Post | Self::Comment | Self::Profile => false,
        }
    }
}

/// Who wrote an item. A bare string is the id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account<'a> {
    /// Pseudonymous id; empty when unknown.
    pub id: Cow<'a, str>,
    /// Pseudonymous id of the registered person or organisation behind it; empty when unknown.
    pub subject: Cow<'a, str>,
    /// Credit tier, lowest first; thresholds may depend on it.
    pub credit_tier: Option<u8>,
    /// Days since registration.
    pub age_days: Option<u32>,
    /// Who is behind it.
    pub kind: AccountKind,
    /// Whether the platform has verified that.
    pub is_verified: bool,
}

/// Who is behind an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AccountKind {
    /// One person; also where nothing is said.
    #[default]
    Personal,
    /// A company, an authority, a society.
    Organisation,
    /// A group chat.
    Group,
    /// Anything else that a platform tells apart.
    #[serde(other)]
    Other,
}

/// Why a line is not an item.
#[derive(Debug, thiserror::Error)]
pub enum ItemError {
    /// The line is not JSON, or a value has the wrong type.
    #[error("{0}")]
    Json(String),
    /// Nothing to judge.
    #[error("an item needs `text` or `fields`")]
    NoText,
    /// An event of the engagement stream among the posts.
    #[error("engagement events are not content; they have no text to judge")]
    Engagement,
    /// Longer than the named limit.
    #[error("text_bytes_max: {found} bytes of text, the limit is {limit}")]
    TooLong {
        /// Bytes of text in all fields together.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// An id that is longer than the named limit.
    #[error("id_bytes_max: {found} bytes in {name}, the limit is {limit}")]
    IdTooLong {
        /// The key of the id.
        name: &'static str,
        /// Its bytes.
        found: usize,
        /// The limit.
        limit: usize,
    },
    /// An event without something that it needs, or with a value that cannot be.
    #[error("{0}")]
    Event(String),
    /// A field that is named like another, so that spans would be ambiguous.
    #[error("field {0:?} occurs twice")]
    FieldTwice(String),
    /// More named fields than the limit.
    #[error("fields_max: {found} fields, the limit is {limit}")]
    TooManyFields {
        /// Number of fields.
        found: usize,
        /// The limit.
        limit: usize,
    },
}

impl<'a> Item<'a> {
    /// An item that has a text and nothing else.
    pub fn from_text(text: &'a str) -> Self {
        Self { text: Some(Cow::Borrowed(text)), ..Self::default() }
    }

    /// Parses one JSON object. O(line); allocates only for strings with escapes.
    ///
    /// # Errors
    /// Malformed JSON, a wrong type, nothing to judge, an engagement event.
    pub fn from_json(line: &'a str) -> Result<Self, ItemError> {
        if !line.trim_start().starts_with('{') {
            return Err(ItemError::Json("an item is a JSON object".to_owned()));
        }
        let item: Self = serde_json::from_str(line).map_err(|e| ItemError::Json(e.to_string()))?;
        item.check()?;
        Ok(item)
    }

    /// Checks that there is content to judge.
    ///
    /// # Errors
    /// [`ItemError::NoText`] or [`ItemError::Engagement`].
    pub fn check(&self) -> Result<(), ItemError> {
        if self.kind.is_event() {
            return Err(ItemError::Engagement);
        }
        if self.text.is_none() && self.fields.is_empty() && self.title.is_empty() {
            return Err(ItemError::NoText);
        }
        Ok(())
    }

    /// The surface that was given, or that of the type.
    pub fn surface(&self) -> Surface {
        self.surface.unwrap_or(match self.kind {
            ItemKind::Post | ItemKind::Engagement | ItemKind::FollowerCount | ItemKind::EngagementWindow => {
                Surface::Post
            }
            ItemKind::Comment => Surface::Comment,
            ItemKind::Profile => Surface::Profile,
        })
    }

    /// All texts with their names: title, text, then the named fields. Empty ones are kept, so that indexes are stable.
    pub fn texts(&self) -> impl Iterator<Item = (&str, &str)> {
        [("title", self.title.as_ref()), ("text", self.text.as_deref().unwrap_or(""))]
            .into_iter()
            .chain(self.fields.iter().map(|field| (field.name.as_ref(), field.text.as_ref())))
    }

    /// Checks that every text has a name of its own. O(fields²); call it once their number is bounded.
    ///
    /// # Errors
    /// [`ItemError::FieldTwice`].
    pub fn check_names(&self) -> Result<(), ItemError> {
        for (index, field) in self.fields.iter().enumerate() {
            let is_taken = matches!(field.name.as_ref(), "text" | "title");
            if is_taken || self.fields[..index].iter().any(|earlier| earlier.name == field.name) {
                return Err(ItemError::FieldTwice(field.name.clone().into_owned()));
            }
        }
        Ok(())
    }

    /// Checks that no id, and no name of a field, is longer than `bytes_max` bytes.
    ///
    /// # Errors
    /// [`ItemError::IdTooLong`] with the first that is.
    pub fn check_ids(&self, bytes_max: usize) -> Result<(), ItemError> {
        let repost = self.repost.as_ref().map_or("", |repost| repost.of.as_ref());
        let ids = [
            ("id", self.id.as_ref()),
            ("account.id", self.account.id.as_ref()),
            ("account.subject", self.account.subject.as_ref()),
            ("parent", self.parent.as_ref()),
            ("ip", self.ip.as_ref()),
            ("device", self.device.as_ref()),
            ("repost.of", repost),
        ];
        // Names of fields stand in the place of every find.
        let names = self.fields.iter().map(|field| ("the name of a field", field.name.as_ref()));
        match ids.into_iter().chain(names).find(|(_, id)| id.len() > bytes_max) {
            Some((name, id)) => Err(ItemError::IdTooLong { name, found: id.len(), limit: bytes_max }),
            None => Ok(()),
        }
    }

    /// Bytes of text in all fields together.
    pub fn text_bytes(&self) -> usize {
        self.texts().map(|(_, text)| text.len()).sum()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Account<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AccountVisitor)
    }
}

/// Reads an account from an object, a bare string, or null.
struct AccountVisitor;

impl<'de> Visitor<'de> for AccountVisitor {
    type Value = Account<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an account: an object or its id as a string")
    }

    fn visit_borrowed_str<E>(self, id: &'de str) -> Result<Self::Value, E> {
        Ok(Account { id: Cow::Borrowed(id), ..Account::default() })
    }

    fn visit_str<E>(self, id: &str) -> Result<Self::Value, E> {
        Ok(Account { id: Cow::Owned(id.to_owned()), ..Account::default() })
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Account::default())
    }

    fn visit_u64<E>(self, id: u64) -> Result<Self::Value, E> {
        Ok(Account { id: Cow::Owned(id.to_string()), ..Account::default() })
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut account = Account::default();
        while let Some(key) = map.next_key::<Text<'de>>()? {
            match key.0.as_ref() {
                "id" => account.id = map.next_value::<TextOrNumber<'de>>()?.0,
                "subject" => account.subject = map.next_value::<TextOrNumber<'de>>()?.0,
                "credit_tier" => account.credit_tier = map.next_value()?,
                "age_days" => account.age_days = map.next_value()?,
                "kind" => account.kind = map.next_value::<Option<AccountKind>>()?.unwrap_or_default(),
                "verified" => account.is_verified = map.next_value::<Option<bool>>()?.unwrap_or_default(),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        Ok(account)
    }
}

/// A string that borrows when it can; null is empty.
#[derive(Deserialize)]
pub(super) struct Text<'a>(#[serde(borrow, deserialize_with = "text")] pub(super) Cow<'a, str>);

/// A string or a whole number, as ids come in both.
#[derive(Deserialize)]
pub(super) struct TextOrNumber<'a>(
    #[serde(borrow, deserialize_with = "text_or_number")] pub(super) Cow<'a, str>,
);

/// Reads a string, borrowed when it has no escapes, or null as empty; `numbers` lets whole numbers through.
struct TextVisitor {
    numbers: bool,
}

impl<'de> Visitor<'de> for TextVisitor {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.numbers { "a string or a whole number" } else { "a string" })
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(""))
    }

    fn visit_u64<E: serde::de::Error>(self, number: u64) -> Result<Self::Value, E> {
        if self.numbers {
            Ok(Cow::Owned(number.to_string()))
        } else {
            Err(E::invalid_type(serde::de::Unexpected::Unsigned(number), &self))
        }
    }

    fn visit_i64<E: serde::de::Error>(self, number: i64) -> Result<Self::Value, E> {
        if self.numbers {
            Ok(Cow::Owned(number.to_string()))
        } else {
            Err(E::invalid_type(serde::de::Unexpected::Signed(number), &self))
        }
    }

    /// JSON knows one kind of number: 7.0 is the whole number 7, as long as that is exact.
    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Self::Value, E> {
        const EXACT_MAX: f64 = 9_007_199_254_740_992.0;
        if self.numbers && number.fract() == 0.0 && number.abs() <= EXACT_MAX {
            Ok(Cow::Owned(format!("{number:.0}")))
        } else {
            Err(E::invalid_type(serde::de::Unexpected::Float(number), &self))
        }
    }
}

pub(super) fn text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    deserializer.deserialize_any(TextVisitor { numbers: false })
}

fn required_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Cow<'de, str>>, D::Error> {
    text(deserializer).map(Some)
}

pub(super) fn text_or_number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Cow<'de, str>, D::Error> {
    deserializer.deserialize_any(TextVisitor { numbers: true })
}

fn fields<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Field<'de>>, D::Error> {
    struct FieldsVisitor;
    impl<'de> Visitor<'de> for FieldsVisitor {
        type Value = Vec<Field<'de>>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object of texts")
        }

        fn visit_unit<E>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
            let mut fields = Vec::new();
            while let Some(name) = map.next_key::<Text<'de>>()? {
                let text = map.next_value::<Text<'de>>()?.0;
                fields.push(Field { name: name.0, text });
            }
            Ok(fields)
        }
    }
    deserializer.deserialize_any(FieldsVisitor)
}

/// Reads epoch milliseconds or RFC 3339; an empty string or null is no time.
pub(super) fn time_ms<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let raw = deserializer.deserialize_any(TextVisitor { numbers: true })?;
    if raw.is_empty() {
        return Ok(None);
    }
    if let Ok(millis) = raw.parse::<i64>() {
        return Ok(Some(millis));
    }
    let instant: jiff::Timestamp =
        raw.parse().map_err(|_| D::Error::custom("`time` must be RFC 3339 or epoch milliseconds"))?;
    Ok(Some(instant.as_millisecond()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_text_is_required_and_unknown_keys_are_ignored() {
        let item = Item::from_json(r#"{"text":"好","other":{"deep":[1]}}"#).unwrap();
        assert_eq!(item.text.as_deref(), Some("好"));
        assert!(matches!(item.text, Some(Cow::Borrowed(_))));
        assert_eq!(item.surface(), Surface::Post);
    }

    #[test]
    fn account_may_be_a_string_and_time_may_be_a_number() {
        let item = Item::from_json(r#"{"id":7,"text":"","account":"a1","time":1763712000000}"#).unwrap();
        assert_eq!((item.id.as_ref(), item.account.id.as_ref()), ("7", "a1"));
        assert_eq!(item.time, Some(1_763_712_000_000));
        let item = Item::from_json(
            r#"{"text":"x","account":{"id":"b","credit_tier":2,"kind":"organisation","verified":true,"z":[]},
                "time":"2026-11-21T08:00:00Z","device":5,"repost":{"of":"p0"}}"#,
        );
        let item = item.unwrap();
        assert!(item.account.kind == AccountKind::Organisation && item.account.is_verified);
        assert_eq!((item.device.as_ref(), item.repost.unwrap_or_default().of.as_ref()), ("5", "p0"));
        assert_eq!((item.account.credit_tier, item.time), (Some(2), Some(1_795_248_000_000)));
    }

    #[test]
    fn lines_that_are_not_items_say_why() {
        for (line, part) in [
            ("", "JSON object"),
            ("{", "EOF"),
            ("[]", "JSON object"),
            (r#"{"id":"x"}"#, "needs `text`"),
            (r#"{"text":5}"#, "expected a string"),
            (r#"{"text":"x","time":"yesterday"}"#, "RFC 3339"),
            (r#"{"text":"x","surface":"wall"}"#, "unknown variant"),
            (r#"{"type":"engagement","id":"e1"}"#, "no text to judge"),
        ] {
            let error = Item::from_json(line).unwrap_err().to_string();
            assert!(error.contains(part), "{line}: {error}");
        }
        let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(
            Item::from_json(&format!(r#"{{"text":{deep}}}"#))
                .unwrap_err()
                .to_string()
                .contains("expected a string")
        );
        assert!(Item::from_json(&format!(r#"{{"text":"x","unknown":{deep}}}"#)).is_ok());
    }

    #[test]
    fn texts_come_title_first_and_fields_last() {
        let item = Item::from_json(r#"{"type":"profile","fields":{"name":"甲","bio":"乙"}}"#).unwrap();
        let texts: Vec<_> = item.texts().collect();
        assert_eq!(texts, [("title", ""), ("text", ""), ("name", "甲"), ("bio", "乙")]);
    }
}
