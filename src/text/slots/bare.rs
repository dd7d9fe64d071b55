//! Chat ids behind one character that stands for the channel: `，薇abc_1234`.
//!
//! The character is a word of its own in names (赵薇) and sentences (微湿); only at the start of a clause, right in front of
//! something that looks like nothing but an id, does it announce one.

use super::chars::Chars;
use super::{Collector, Hint, HintKind, Search, handle};
use crate::text::folded::{Class, SymbolRange};

/// Characters for 微 of 微信.
const MARKS: [char; 7] = ['微', '薇', '威', '葳', '溦', '徽', '崴'];
/// Letters and digits that the id must have, and its least length.
const LETTERS_MIN: usize = 2;
const DIGITS_MIN: usize = 2;
const ID_CHARS_MIN: usize = 6;
/// Symbols that are looked at for these.
const ID_SYMBOLS: usize = 20;

/// Whether a text has the letters and digits of an id. O(1).
pub(super) fn may_occur(chars: Chars<'_>) -> bool {
    let count = |class| chars.text.count(class) as usize;
    count(Class::Latin) >= LETTERS_MIN && count(Class::Digit) >= DIGITS_MIN
}

/// Adds the ids behind bare marks. O(symbols) for texts with letters and digits, nothing for others.
pub(super) fn find_into(search: &Search<'_>, out: &mut Collector<'_>) {
    if !may_occur(search.chars) {
        return;
    }
    let symbols = search.chars.text.symbols();
    for (start, pair) in (0_u32..).zip(symbols.windows(2)) {
        if pair[1].class != Class::Latin || !pair[0].class.is_han() {
            continue;
        }
        let at = start as usize;
        let opens_clause = at == 0 || !symbols[at - 1].class.is_dense();
        if opens_clause && MARKS.contains(&search.chars.at(at)) && is_id(search, at + 1) {
            let range = SymbolRange { start, end: start + 1 };
            handle::find_into(search, Hint { range, kind: HintKind::Wechat }, out);
        }
    }
}

/// Whether a run of letters, digits and joints begins here that is long enough and mixed.
fn is_id(search: &Search<'_>, start: usize) -> bool {
    let (mut letters, mut digits, mut len) = (0, 0, 0);
    for at in start..start + ID_SYMBOLS {
        match search.chars.class(at) {
            Class::Latin => letters += 1,
            Class::Digit => digits += 1,
            _ if matches!(search.chars.at(at), '_' | '-') => {}
            _ => break,
        }
        len += 1;
    }
    letters >= LETTERS_MIN && digits >= DIGITS_MIN && len >= ID_CHARS_MIN
}
