//! Half-open ranges in the author's original text.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A half-open byte range inside one field. Internal form; see [`CharSpan`] for the form that leaves the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSpan {
    /// Index of the field in the item's field order.
    pub field: u16,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

/// A half-open range of Unicode code points inside a named field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CharSpan {
    /// `text`, `title`, or a name out of `fields`.
    pub field: String,
    /// First code point.
    pub start: usize,
    /// One past the last code point.
    pub end: usize,
}

/// Converts byte offsets of one field, in any order, to code-point offsets: O(text + n log n).
pub fn to_char_spans(text: &str, spans: &[(usize, usize)]) -> Vec<(usize, usize)> {
    let mut ends: Vec<(usize, usize, bool)> = Vec::with_capacity(spans.len() * 2);
    for (index, &(start, end)) in spans.iter().enumerate() {
        ends.push((start, index, false));
        ends.push((end, index, true));
    }
    ends.sort_unstable();
    let mut out = vec![(0, 0); spans.len()];
    let (mut byte, mut chars) = (0, 0);
    for (offset, index, is_end) in ends {
        let offset = offset.min(text.len());
        chars += text.get(byte..offset).map_or(0, |piece| piece.chars().count());
        byte = offset;
        if is_end {
            out[index].1 = chars;
        } else {
            out[index].0 = chars;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_offsets_become_code_point_offsets_in_any_order() {
        let text = "a好🐧b";
        assert_eq!(to_char_spans(text, &[(8, 9), (0, 1), (1, 8)]), [(3, 4), (0, 1), (1, 3)]);
        assert_eq!(to_char_spans("", &[(0, 0)]), [(0, 0)]);
    }
}
