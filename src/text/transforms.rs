//! What can be undone to see a character.

use bitflags::bitflags;

bitflags! {
    /// Disguises and typography that were undone to see a character, a set.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub struct Transforms: u32 {
        /// Full or half width.
        const WIDTH = 1;
        /// Upper case.
        const CASE = 1 << 1;
        /// Traditional or regional variant of a Han character.
        const HANT = 1 << 2;
        /// A radical in place of the character that it depicts.
        const RADICAL = 1 << 3;
        /// Circled, bracketed, mathematical, small-capital … letter or digit.
        const STYLED = 1 << 4;
        /// Another compatibility form.
        const COMPAT = 1 << 5;
        /// A letter of another script inside a Latin word.
        const LOOK_ALIKE = 1 << 6;
        /// A numeric character reference, a percent escape or `\uXXXX`.
        const ESCAPE = 1 << 7;
        /// A reading in brackets behind the character.
        const GLOSS = 1 << 8;
        /// A zero-width or blank-looking character.
        const INVISIBLE = 1 << 9;
        /// A text-direction control.
        const BIDI = 1 << 10;
        /// A variation selector.
        const SELECTOR = 1 << 11;
        /// A combining mark.
        const COMBINING = 1 << 12;
        /// Blanks between the characters of a hit.
        const DROP_BLANK = 1 << 13;
        /// Punctuation, symbols or emoji between the characters of a hit.
        const DROP_NOISE = 1 << 14;
        /// Chinese or spoken numerals read as digits, or a dot written as a word.
        const READ_AS = 1 << 15;
        /// Characters or letters of the same or a similar sound.
        const SOUND = 1 << 16;
        /// A character that looks alike.
        const SHAPE = 1 << 17;
        /// A character written as its parts.
        const SPLIT = 1 << 18;
        /// Characters in another order.
        const REVERSED = 1 << 19;
        /// Repeated characters.
        const REPEATED = 1 << 20;
        /// Letters, digits or particles between the characters.
        const FILLER = 1 << 21;
        /// The first letters of the syllables.
        const INITIALS = 1 << 22;
        /// Parts in different fields.
        const ACROSS_FIELDS = 1 << 23;
        /// Syllables in Latin letters or zhuyin.
        const PINYIN = 1 << 24;
        /// What may well be another word when it is short.
        const GUESSED = Self::SOUND.bits() | Self::SHAPE.bits() | Self::REVERSED.bits() | Self::INITIALS.bits();
    }
}

impl Transforms {
    /// The identifiers that decisions carry, one per member.
    pub const NAMES: [(Self, &'static str); 25] = [
        (Self::WIDTH, "width"),
        (Self::CASE, "case"),
        (Self::HANT, "t2s"),
        (Self::RADICAL, "radical"),
        (Self::STYLED, "styled"),
        (Self::COMPAT, "compat"),
        (Self::LOOK_ALIKE, "look_alike"),
        (Self::ESCAPE, "escape"),
        (Self::GLOSS, "gloss"),
        (Self::INVISIBLE, "invisible"),
        (Self::BIDI, "bidi"),
        (Self::SELECTOR, "selector"),
        (Self::COMBINING, "combining"),
        (Self::DROP_BLANK, "drop_blank"),
        (Self::DROP_NOISE, "drop_noise"),
        (Self::READ_AS, "read_as"),
        (Self::SOUND, "sound"),
        (Self::SHAPE, "shape"),
        (Self::SPLIT, "split"),
        (Self::REVERSED, "reversed"),
        (Self::REPEATED, "repeated"),
        (Self::FILLER, "filler"),
        (Self::INITIALS, "initials"),
        (Self::ACROSS_FIELDS, "across_fields"),
        (Self::PINYIN, "pinyin"),
    ];

    /// The names of the members, in the order of [`Self::NAMES`].
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::NAMES.into_iter().filter(move |(flag, _)| self.contains(*flag)).map(|(_, name)| name)
    }
}
