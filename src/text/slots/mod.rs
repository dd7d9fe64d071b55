//! Ways to get in touch, read out of the folded text and brought to one canonical value each.
//!
//! Digits may be of any alphabet and separated; addresses may be defanged. Chat ids need a *hint* in front of them
//! (微信, vx, 扣扣 …), which the lexicon supplies as term hits, so that no second search is needed.

mod digits;
mod handle;
mod url;

use std::collections::HashSet;

use super::folded::{Class, FoldedText, SymbolRange, Transforms};

/// What kind of contact or address a slot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlotKind {
    /// A web address.
    Url,
    /// A phone number of the mainland, or a 400/800 number.
    Phone,
    /// A QQ account or group number.
    Qq,
    /// A `WeChat` id.
    Wechat,
    /// A Telegram name or link.
    Telegram,
    /// An e-mail address.
    Email,
    /// A bank-card number with a valid check digit.
    BankCard,
    /// An invitation code.
    InviteCode,
}

impl SlotKind {
    /// All kinds.
    pub const ALL: [Self; 8] = [
        Self::Url,
        Self::Phone,
        Self::Qq,
        Self::Wechat,
        Self::Telegram,
        Self::Email,
        Self::BankCard,
        Self::InviteCode,
    ];

    /// The identifier that rules and decisions use.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Phone => "phone",
            Self::Qq => "qq",
            Self::Wechat => "wechat",
            Self::Telegram => "telegram",
            Self::Email => "email",
            Self::BankCard => "bank_card",
            Self::InviteCode => "invite_code",
        }
    }
}

/// One contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slot {
    /// What it is.
    pub kind: SlotKind,
    /// Lower-case value without separators: the same contact is the same string in every post.
    pub canonical: String,
    /// Where it stands.
    pub range: SymbolRange,
    /// What was undone to read it.
    pub transforms: Transforms,
}

/// Which channel a hint announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HintKind {
    /// 微信, vx …
    Wechat,
    /// QQ, 扣扣, 群 …
    Qq,
    /// 电报, tg …
    Telegram,
    /// 邀请码 …
    InviteCode,
}

impl HintKind {
    /// The term set of the dictionaries whose hits are hints of this kind.
    pub const SETS: [(&'static str, Self); 4] = [
        ("wechat_word", Self::Wechat),
        ("qq_word", Self::Qq),
        ("telegram_word", Self::Telegram),
        ("invite_word", Self::InviteCode),
    ];
}

/// A word that announces a chat id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hint {
    /// Where the word stands.
    pub range: SymbolRange,
    /// What it announces.
    pub kind: HintKind,
}

/// Most slots that are kept of one item; the decision says when there were more.
const SLOTS_MAX: usize = 1024;

/// Finds slots. Built once per bundle.
#[derive(Debug)]
pub struct SlotFinder {
    top_level_domains: HashSet<String>,
}

impl SlotFinder {
    /// A finder that accepts addresses under the given top-level domains, lower case and without dot.
    pub fn new(top_level_domains: impl IntoIterator<Item = String>) -> Self {
        Self { top_level_domains: top_level_domains.into_iter().collect() }
    }

    /// Fills `out` with the slots of a text, in the order of the text; none overlaps another. Returns false when some
    /// were left out because of the limit.
    ///
    /// O(symbols); does nothing and allocates nothing for texts with few Latin letters and digits.
    pub fn find_into(&self, text: &FoldedText, hints: &[Hint], out: &mut Vec<Slot>) -> bool {
        out.clear();
        let mut found = Collector { slots: out, is_complete: true };
        if text.count(Class::Latin) >= 2 {
            url::find_into(self, text, &mut found);
        }
        // The longest hint first: after 加vx the id does not begin with x.
        for hint in hints.iter().rev() {
            handle::find_into(text, *hint, &mut found);
        }
        if text.numerals() >= digits::DIGITS_MIN {
            digits::find_into(text, &mut found);
        }
        let is_complete = found.is_complete;
        out.sort_by_key(|slot| (slot.range, slot.kind));
        is_complete
    }

    fn is_top_level(&self, label: &str) -> bool {
        self.top_level_domains.contains(label)
    }
}

/// Takes slots as they are found.
struct Collector<'o> {
    slots: &'o mut Vec<Slot>,
    is_complete: bool,
}

impl Collector<'_> {
    /// Whether no slot found so far covers a symbol of `range`.
    fn is_free(&self, range: SymbolRange) -> bool {
        self.slots.iter().all(|slot| slot.range.end <= range.start || range.end <= slot.range.start)
    }

    /// Keeps a slot unless an earlier finder has taken its place.
    fn push(&mut self, slot: Slot) {
        if self.slots.len() >= SLOTS_MAX {
            self.is_complete = false;
        } else if self.is_free(slot.range) {
            self.slots.push(slot);
        }
    }
}
