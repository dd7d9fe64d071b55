//! Ways to get in touch, read out of the folded text and brought to one canonical value each.
//!
//! Digits may be of any alphabet and separated; addresses may be defanged. Chat ids need a *hint* in front of them
//! (微信, vx, 扣扣 …), which the lexicon supplies as term hits, so that no second search is needed.

mod chars;
mod words;

mod url;

mod bare;
mod edits;
mod handle;
mod parts;

mod digits;
mod runs;
mod sounded;

pub use words::{SlotData, SlotDataError};

use chars::Chars;
use edits::Instruction;
use words::Words;

use super::folded::{Class, FoldedText, SymbolRange, Transforms};

/// What kind of contact or address a slot is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SlotKind {
    /// A web address. Canonical: host and path in lower case, without scheme, port, closing punctuation and slash;
    /// `www.` stays. A share code that an app opens like an address: without the currency signs around it.
    Url,
    /// A phone number of the mainland, or a 400/800 number. Canonical: its eleven (ten) digits, without +86, 0086 and
    /// separators.
    Phone,
    /// A QQ account or group number. Canonical: its digits, without zeros in front.
    Qq,
    /// A `WeChat` id. Canonical: letters in lower case, digits, `_` and `-`; a mobile number as for [`Self::Phone`].
    Wechat,
    /// A Telegram name or link. Canonical: the name in lower case without `@`, for `t.me/name` too; `t.me/` and the
    /// path for other links.
    Telegram,
    /// An e-mail address. Canonical: in lower case.
    Email,
    /// A bank-card number with a valid check digit. Canonical: its digits.
    BankCard,
    /// An invitation code. Canonical: letters in lower case and digits.
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
    words: Words,
}

/// One text, the hints in it, and the words to look for.
struct Search<'t> {
    chars: Chars<'t>,
    words: &'t Words,
    /// In the order of their ends.
    hints: &'t [Hint],
    /// What the text asks the reader to do with numbers.
    instructions: &'t [Instruction],
    /// Whether words for such things may occur in the text.
    has_edits: bool,
    /// Whether words that announce parts of a number may occur.
    has_parts: bool,
}

impl SlotFinder {
    /// A finder with the lists of `slots.toml`.
    ///
    /// # Errors
    /// An entry that cannot be used.
    pub fn new(data: SlotData) -> Result<Self, SlotDataError> {
        Ok(Self { words: Words::try_from(data)? })
    }

    /// Fills `out` with the slots of a text, in the order of the text; none overlaps another. Returns false when some
    /// were left out because of the limit. The hints stand in the order of their ends.
    ///
    /// O(symbols): every digit, dot and hint is looked at through windows of constant length. Does nothing for texts
    /// with few Latin letters and digits, and asks for no memory where there is neither a slot nor an instruction.
    pub fn find_into(&self, text: &FoldedText, hints: &[Hint], out: &mut Vec<Slot>) -> bool {
        out.clear();
        let mut found = Collector { slots: out, is_complete: true };
        let chars = Chars { text };
        if text.count(Class::Latin) >= 2 {
            url::find_into(&self.words, chars, &mut found);
        }
        if !hints.is_empty() || text.numerals() >= digits::SOUNDED_DIGITS_MIN {
            let (has_edits, has_parts) = self.words.occur_in(text);
            // Nothing else asks for instructions.
            let is_edited =
                !hints.is_empty() || text.numerals() >= digits::DIGITS_MIN || bare::may_occur(chars);
            let all = if has_edits && is_edited { edits::collect(chars, &self.words) } else { Vec::new() };
            let search =
                Search { chars, words: &self.words, hints, instructions: &all, has_edits, has_parts };
            // The longest hint first: after 加vx the id does not begin with x.
            for hint in hints.iter().rev() {
                handle::find_into(&search, *hint, &mut found);
            }
            bare::find_into(&search, &mut found);
            digits::find_into(&search, &mut found);
            sounded::find_into(&search, &mut found);
        } else {
            let search = Search {
                chars,
                words: &self.words,
                hints,
                instructions: &[],
                has_edits: false,
                has_parts: false,
            };
            bare::find_into(&search, &mut found);
            sounded::find_into(&search, &mut found);
        }
        let is_complete = found.is_complete;
        out.sort_by_key(|slot| (slot.range, slot.kind));
        is_complete
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
