//! Templates that were posted as they are: `{代|帮|替}开{发票|票据}` means 代开发票, and any other choice.

use crate::text::{FoldedText, SymbolRange};

/// Longest group, in symbols; most groups of one text, and fewest that make it a template.
const GROUP_SYMBOLS_MAX: u32 = 64;
const GROUPS_MAX: usize = 64;
const GROUPS_MIN: usize = 2;

/// Calls `take` with every group of choices and the symbols of its first choice, if the text is a template. O(symbols),
/// nothing where there are no braces.
pub(super) fn for_each_group(text: &FoldedText, mut take: impl FnMut(SymbolRange, SymbolRange)) {
    if !text.plain().contains('{') || !text.plain().contains('|') {
        return;
    }
    let (mut groups, mut open, mut bar): (Vec<_>, Option<u32>, Option<u32>) = (Vec::new(), None, None);
    for (index, c) in (0_u32..).zip(text.plain().chars()) {
        match (c, open) {
            ('{', _) => (open, bar) = (Some(index), None),
            ('|', Some(_)) => bar = bar.or(Some(index)),
            ('}', Some(start)) => {
                if let Some(bar) =
                    bar.filter(|_| index - start <= GROUP_SYMBOLS_MAX && groups.len() < GROUPS_MAX)
                {
                    groups.push((
                        SymbolRange { start, end: index + 1 },
                        SymbolRange { start: start + 1, end: bar },
                    ));
                }
                open = None;
            }
            ('\n', _) => open = None,
            _ => {}
        }
    }
    if groups.len() >= GROUPS_MIN {
        groups.into_iter().for_each(|(group, choice)| take(group, choice));
    }
}
