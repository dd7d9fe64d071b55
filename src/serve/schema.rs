//! What requests look like, for the description only: items are read by [`crate::model::Item`], which takes more forms than a
//! derived type could.

use std::collections::BTreeMap;

use serde::Serialize;
use utoipa::ToSchema;

use crate::model::Surface;

/// One post, comment or profile. `text`, `title` or `fields` is required; unknown keys are ignored.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Item, example = json!({"id": "p1", "text": "高价收银行卡四件套，一张日结两千，加微信 abc12345", "account": "a1"}))]
pub struct ItemSchema {
    /// What it is; `post` when absent.
    #[serde(rename = "type")]
    #[schema(required = false)]
    kind: KindSchema,
    /// The platform's id. The same id with the same body is the same request.
    #[schema(required = false)]
    id: String,
    /// When it was published: RFC 3339 or milliseconds since 1970.
    #[schema(required = false)]
    time: TimeSchema,
    /// Where it is shown; derived from the type when absent.
    #[schema(nullable = true, required = false)]
    surface: Surface,
    /// Who wrote it; a bare string is the id.
    #[schema(required = false)]
    account: AccountOrId,
    /// Headline.
    #[schema(nullable = true, required = false)]
    title: String,
    /// The body.
    #[schema(nullable = true, required = false)]
    text: String,
    /// Further named texts: `name`, `bio`, `caption` …
    #[schema(nullable = true, required = false)]
    fields: BTreeMap<String, String>,
    /// What a comment stands under.
    #[schema(nullable = true, required = false)]
    parent: String,
    /// Network address or its hash.
    #[schema(nullable = true, required = false)]
    ip: String,
    /// Device or its hash.
    #[schema(nullable = true, required = false)]
    device: String,
    /// Whose words it repeats by its own account.
    #[schema(nullable = true, required = false)]
    repost: RepostSchema,
    /// What the caller says beside the item.
    #[schema(nullable = true, required = false)]
    options: OptionsSchema,
}

/// What an item is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ItemKind)]
#[serde(rename_all = "lowercase")]
pub enum KindSchema {
    /// A post or article.
    Post,
    /// A comment.
    Comment,
    /// A profile.
    Profile,
}

/// RFC 3339, or milliseconds since 1970.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Time)]
#[serde(untagged)]
pub enum TimeSchema {
    /// RFC 3339.
    #[schema(value_type = String, format = DateTime)]
    Text(String),
    /// Milliseconds since 1970.
    Millis(i64),
}

/// An account, or its id.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum AccountOrId {
    /// The id.
    Id(String),
    /// The account.
    Account(AccountSchema),
}

/// Who wrote an item.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Account)]
pub struct AccountSchema {
    /// Pseudonymous id.
    #[schema(required = false)]
    id: String,
    /// `personal`, `organisation`, `group`; anything else is allowed.
    #[schema(nullable = true, required = false)]
    kind: String,
    /// Credit tier, lowest first.
    #[schema(nullable = true, required = false)]
    credit_tier: u8,
    /// Days since registration.
    #[schema(nullable = true, required = false)]
    age_days: u32,
    /// Whether the platform has verified who is behind it.
    #[schema(nullable = true, required = false)]
    verified: bool,
}

/// Where a repost comes from.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Repost)]
pub struct RepostSchema {
    /// The item that is repeated.
    #[schema(required = false)]
    of: String,
    /// How it is attributed, in the author's words.
    #[schema(required = false)]
    attribution: String,
}

/// What the caller says beside the item.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CheckOptions)]
pub struct OptionsSchema {
    /// How long the caller waits, milliseconds; the shorter of this and the header `x-deadline-ms` counts.
    #[schema(nullable = true, required = false)]
    timeout_ms: u32,
}

/// Items to judge together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Batch)]
pub struct BatchSchema {
    /// 1 to 100 items.
    #[schema(min_items = 1, max_items = 100)]
    items: Vec<ItemSchema>,
}

/// One line of the engagement stream. Unknown keys are ignored; what is missing for its type is told for the line.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EngagementEvent, example = json!({"type": "engagement", "time": "2026-11-21T08:00:00Z", "kind": "follow",
    "actor": {"id": "u1", "age_days": 3, "credit_tier": 1}, "target": {"kind": "account", "id": "a1"}, "ip": "n1", "device": "d1"}))]
pub struct EventSchema {
    /// What it is.
    #[serde(rename = "type")]
    line: EventKindSchema,
    /// When it happened: RFC 3339 or milliseconds since 1970. Events and follower counts need it.
    #[schema(required = false)]
    time: TimeSchema,
    /// Of an event: `read`, `like`, `repost`, `comment`, `follow`, `unfollow`.
    #[schema(required = false)]
    kind: String,
    /// Of an event: who did it; a bare string is the id.
    #[schema(required = false)]
    actor: ActorOrId,
    /// What it was done to; a bare string is the id of an account.
    target: TargetOrId,
    /// Network address or its hash.
    #[schema(required = false)]
    ip: String,
    /// Device or its hash.
    #[schema(required = false)]
    device: String,
    /// Of a follower count: how many.
    #[schema(required = false)]
    count: u64,
    /// Of a registered window: `lottery`, `push`, `import`, `merge`, `exempt`.
    #[schema(required = false)]
    reason: String,
    /// Of a registered window: when it begins.
    #[schema(required = false)]
    from: TimeSchema,
    /// Of a registered window: when it ends.
    #[schema(required = false)]
    to: TimeSchema,
}

/// What a line of the engagement stream is.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EngagementLine)]
#[serde(rename_all = "snake_case")]
pub enum EventKindSchema {
    /// Somebody did something.
    Engagement,
    /// How many followers a target has.
    FollowerCount,
    /// Something unusual is expected of a target.
    EngagementWindow,
}

/// Who acted, or the id.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum ActorOrId {
    /// The id.
    Id(String),
    /// The actor.
    Actor(ActorSchema),
}

/// Who acted.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Actor)]
pub struct ActorSchema {
    /// Pseudonymous id.
    id: String,
    /// Days since registration.
    #[schema(nullable = true, required = false)]
    age_days: u32,
    /// Credit tier, lowest first.
    #[schema(nullable = true, required = false)]
    credit_tier: u8,
}

/// What was acted on, or the id of an account.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum TargetOrId {
    /// The id of an account.
    Id(String),
    /// The target.
    Target(TargetSchema),
}

/// What was acted on.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EngagementTarget)]
pub struct TargetSchema {
    /// `account`, `post` or another word.
    #[schema(required = false)]
    kind: String,
    /// The platform's id.
    id: String,
}
