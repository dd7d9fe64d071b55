//! UTF-8 bytes in, symbols and their places out: decoding, folding and numbering in one table load per character.

/// The character occurs in no term.
pub(super) const NONE: u16 = 0;
/// The character is left out of the stream.
const DROP: u16 = 0xFFFF;
/// The character becomes several.
const EXPAND: u16 = 0xFFFE;
/// Largest number of a symbol.
pub(super) const SYMBOL_MAX: u16 = 0xFFFD;
/// Symbols of no term in front of the stream and behind it, so that a window around any place is inside the buffer.
pub(super) const PAD: usize = 4;
/// Most symbols that one character becomes.
pub(super) const EXPANSION_MAX: usize = 8;

const BMP: usize = 0x1_0000;
pub(super) const PAGE: usize = 0x100;
/// Pages of the other planes.
pub(super) const PAGES: usize = (0x11_0000 - BMP) / PAGE;

/// Made on the heap: a stack may be smaller.
fn empty_plane() -> Box<[u16; BMP]> {
    vec![NONE; BMP].try_into().unwrap_or_else(|_| unreachable!("the length is that of the plane"))
}

/// From a character as written to its symbol: folding and numbering composed.
///
/// 128 KiB for the basic plane; of the others only pages that are used, 512 bytes each.
#[derive(Clone, Debug)]
pub(super) struct SymbolMap {
    pub(super) bmp: Box<[u16; BMP]>,
    /// Per page of the other planes, its number in `astral` plus one.
    pub(super) pages: Vec<u16>,
    pub(super) astral: Vec<u16>,
    /// Characters that become several, in order, and where their symbols stand in `expanded`.
    pub(super) expansions: Vec<(u32, u32)>,
    /// Each expansion: its length, then its symbols.
    pub(super) expanded: Vec<u16>,
}

impl SymbolMap {
    /// Composes a fold of single characters with the numbers of folded characters, which `number` gives.
    ///
    /// `fold` appends what a character becomes; nothing for a character that is dropped.
    pub(super) fn new(fold: impl Fn(char, &mut Vec<char>), number: impl Fn(char) -> u16) -> Self {
        let mut map = Self {
            bmp: empty_plane(),
            pages: vec![0; PAGES],
            astral: Vec::new(),
            expansions: Vec::new(),
            expanded: Vec::new(),
        };
        let mut folded = Vec::with_capacity(EXPANSION_MAX);
        for c in '\0'..=char::MAX {
            folded.clear();
            fold(c, &mut folded);
            folded.truncate(EXPANSION_MAX);
            let value = match folded.as_slice() {
                [] => DROP,
                [one] => number(*one),
                many => {
                    let start = u32::try_from(map.expanded.len()).unwrap_or(u32::MAX);
                    map.expansions.push((u32::from(c), start));
                    map.expanded.push(u16::try_from(many.len()).unwrap_or(0));
                    map.expanded.extend(many.iter().map(|part| number(*part)));
                    EXPAND
                }
            };
            if value != NONE {
                map.set(c, value);
            }
        }
        map
    }

    fn set(&mut self, c: char, value: u16) {
        let code = c as usize;
        if code < BMP {
            self.bmp[code] = value;
            return;
        }
        let page = &mut self.pages[(code - BMP) / PAGE];
        if *page == 0 {
            // At most 4,352 pages.
            *page = u16::try_from(self.astral.len() / PAGE + 1).unwrap_or(u16::MAX);
            self.astral.resize(self.astral.len() + PAGE, NONE);
        }
        let block = usize::from(*page - 1);
        self.astral[block * PAGE + code % PAGE] = value;
    }

    /// Maps each character of the basic plane to what another one maps to, which `shows` gives.
    pub(super) fn look_through(&mut self, shows: impl Fn(char) -> char) {
        let mut bmp = empty_plane();
        for c in '\0'..='\u{FFFF}' {
            bmp[c as usize] = self.get(shows(c) as usize);
        }
        self.bmp = bmp;
    }

    /// What a character maps to: a symbol, [`NONE`], [`DROP`] or [`EXPAND`].
    #[inline]
    fn get(&self, code: usize) -> u16 {
        if code < BMP { self.bmp[code] } else { self.get_astral(code) }
    }

    fn get_astral(&self, code: usize) -> u16 {
        match self.pages.get((code - BMP) / PAGE) {
            None | Some(0) => NONE,
            Some(page) => self.astral[usize::from(*page - 1) * PAGE + code % PAGE],
        }
    }

    /// The symbols of a character that becomes several.
    #[cold]
    fn expansion(&self, code: usize) -> &[u16] {
        let Ok(at) = self.expansions.binary_search_by_key(&code, |(source, _)| *source as usize) else {
            return &[];
        };
        let start = self.expansions[at].1 as usize;
        &self.expanded[start + 1..][..usize::from(self.expanded[start])]
    }

    /// Reads a whole text. O(bytes); allocates only while the buffer grows.
    pub(super) fn read_into(&self, text: &str, out: &mut SymbolStream) {
        let bytes = text.as_bytes();
        out.begin(bytes.len());
        let mut cursor = Cursor { at: 0, len: PAD };
        loop {
            cursor = self.read_run(bytes, cursor, &mut out.ids, &mut out.starts);
            if cursor.at >= bytes.len() {
                break;
            }
            let (code, width) = decode(&bytes[cursor.at..]);
            for part in self.expansion(code) {
                out.make_room();
                out.ids[cursor.len] = *part;
                out.starts[cursor.len] = place(cursor.at);
                cursor.len += 1;
            }
            cursor.at += width;
        }
        out.len = cursor.len - PAD;
        out.end(bytes.len());
    }

    /// Numbers characters that are folded already, one symbol each: none is dropped and none becomes several. One that
    /// the map drops or expands is in no term. O(characters); allocates only while the buffer grows.
    pub(super) fn read_chars_into(&self, chars: impl Iterator<Item = char>, out: &mut SymbolStream) {
        out.begin(0);
        out.ids.truncate(PAD);
        out.ids.extend(chars.map(|c| {
            let symbol = self.get(c as usize);
            if symbol < EXPAND { symbol } else { NONE }
        }));
        out.len = out.ids.len() - PAD;
        out.end(0);
    }

    /// Reads on to the end or to the next character that becomes several. The buffers have room for a symbol per byte.
    fn read_run(&self, bytes: &[u8], mut cursor: Cursor, ids: &mut [u16], starts: &mut [u32]) -> Cursor {
        while let Some(block) = bytes.get(cursor.at..).and_then(<[u8]>::first_chunk::<16>) {
            let word = u128::from_le_bytes(*block);
            if word & HAN_MASK != HAN_BITS {
                let (code, width) = decode(block);
                let symbol = self.get(code);
                if symbol == EXPAND {
                    return cursor;
                }
                ids[cursor.len] = symbol;
                starts[cursor.len] = place(cursor.at);
                cursor.len += usize::from(symbol != DROP);
                cursor.at += width;
                continue;
            }
            let symbols = self.four_han(word);
            let places = [0, 3, 6, 9].map(|offset| place(cursor.at) + offset);
            let (Some(ids), Some(starts)) =
                (ids[cursor.len..].first_chunk_mut::<4>(), starts[cursor.len..].first_chunk_mut::<4>())
            else {
                return cursor;
            };
            if symbols.iter().all(|symbol| *symbol < EXPAND) {
                (*ids, *starts) = (symbols, places);
                cursor.len += 4;
                cursor.at += 12;
                continue;
            }
            // A dropped symbol is overwritten by the next one.
            let mut kept = 0;
            for (symbol, at) in symbols.into_iter().zip(places) {
                if symbol == EXPAND {
                    cursor.len += kept;
                    cursor.at = at as usize;
                    return cursor;
                }
                ids[kept & 3] = symbol;
                starts[kept & 3] = at;
                kept += usize::from(symbol != DROP);
            }
            cursor.len += kept;
            cursor.at += 12;
        }
        while cursor.at < bytes.len() {
            let (code, width) = decode(&bytes[cursor.at..]);
            let symbol = self.get(code);
            if symbol == EXPAND {
                break;
            }
            ids[cursor.len] = symbol;
            starts[cursor.len] = place(cursor.at);
            cursor.len += usize::from(symbol != DROP);
            cursor.at += width;
        }
        cursor
    }

    /// The symbols of four characters of three bytes each.
    #[inline]
    fn four_han(&self, word: u128) -> [u16; 4] {
        [0, 24, 48, 72].map(|shift| {
            // The lower half of what is shifted.
            let three = (word >> shift) as usize;
            self.bmp[(three & 0xF) << 12 | (three >> 2) & 0xFC0 | (three >> 16) & 0x3F]
        })
    }
}

/// Where reading and writing go on.
#[derive(Clone, Copy)]
struct Cursor {
    at: usize,
    len: usize,
}

/// Texts are bounded far below 4 GiB.
#[inline]
fn place(at: usize) -> u32 {
    at as u32
}

/// Lead and continuation bits of four characters of three bytes each.
const HAN_MASK: u128 = 0xC0C0_F0C0_C0F0_C0C0_F0C0_C0F0;
const HAN_BITS: u128 = 0x8080_E080_80E0_8080_E080_80E0;

/// The first character of valid UTF-8 and its length; only what a `str` holds gets here.
#[inline]
fn decode(bytes: &[u8]) -> (usize, usize) {
    let byte = |index: usize| usize::from(bytes.get(index).copied().unwrap_or(0));
    let tail = |index: usize| byte(index) & 0x3F;
    match byte(0) {
        lead @ 0..0x80 => (lead, 1),
        lead @ 0x80..0xE0 => ((lead & 0x1F) << 6 | tail(1), 2),
        lead @ 0xE0..0xF0 => ((lead & 0xF) << 12 | tail(1) << 6 | tail(2), 3),
        lead => ((lead & 7) << 18 | tail(1) << 12 | tail(2) << 6 | tail(3), 4),
    }
}

/// A text as symbols, and where each came from; a reused buffer. 6 bytes per byte of text.
#[derive(Clone, Debug, Default)]
pub struct SymbolStream {
    /// [`PAD`] symbols of no term, the text, [`PAD`] symbols of no term.
    pub(super) ids: Vec<u16>,
    /// Byte in the text of each symbol.
    starts: Vec<u32>,
    pub(super) len: usize,
}

impl SymbolStream {
    fn begin(&mut self, bytes: usize) {
        let room = bytes + 2 * PAD;
        if self.ids.len() < room {
            self.ids.resize(room, NONE);
        }
        if self.starts.len() < room {
            self.starts.resize(room, 0);
        }
        self.ids[..PAD].fill(NONE);
    }

    /// Makes room for one more symbol than there are bytes.
    fn make_room(&mut self) {
        self.ids.push(NONE);
        self.starts.push(0);
    }

    fn end(&mut self, bytes: usize) {
        let end = PAD + self.len;
        if self.ids.len() < end + PAD {
            self.ids.resize(end + PAD, NONE);
        }
        if self.starts.len() <= end {
            self.starts.resize(end + PAD, 0);
        }
        self.ids[end..end + PAD].fill(NONE);
        self.starts[end] = u32::try_from(bytes).unwrap_or(u32::MAX);
    }

    /// Number of symbols.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The bytes of the text that a range of symbols came from: from the first byte of the first to the last byte of
    /// the last character. O(1).
    pub fn span(&self, text: &str, start: u32, end: u32) -> std::ops::Range<usize> {
        let place = |symbol: u32| self.starts[PAD + symbol as usize] as usize;
        let last = place(end.saturating_sub(1));
        let lead = text.as_bytes().get(last).copied().unwrap_or(0);
        let width = match lead {
            0..0x80 => 1,
            0x80..0xE0 => 2,
            0xE0..0xF0 => 3,
            _ => 4,
        };
        place(start)..last + width
    }
}
