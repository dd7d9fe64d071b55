//! Text that is laid out to be read downward: columns of characters, and words with one or two characters on each line.
//!
//! Short lines are common: lists, poems, tables. A block of lines is read another way only where that reading consists
//! of the words of the lexicon for the most part, and holds more of them than the lines do as they are written.

use super::{Found, TermHit, as_u32, template};
use crate::lexicon::scanner::{ScanBuffer, Scanner};
use crate::text::{Class, FoldedText, SymbolRange};

/// Fewest lines of a block; of one with spaces between its characters.
const LINES_MIN: usize = 3;
const SPACED_LINES_MIN: usize = 2;
/// Most lines of a block, behind which another begins; most columns.
const LINES_MAX: usize = 64;
const COLUMNS_MAX: usize = 12;
/// Most characters of a line without spaces in a block of equal lines, and in a block of narrow ones.
const EQUAL_CHARS_MAX: u32 = 6;
const NARROW_CHARS_MAX: u32 = 2;
/// Fewest characters of a reading that belong to words; they are half of it at least.
const COVERED_MIN: usize = 3;
/// Most hits in one reading that are looked at.
const HITS_MAX: usize = 1 << 12;

/// A line with something on it.
#[derive(Clone, Copy, Debug)]
struct Line {
    range: SymbolRange,
    /// Dense characters.
    chars: u32,
    /// Whether none of them touches another.
    is_spaced: bool,
    /// Whether none is separated from the next.
    is_compact: bool,
}

/// One character of a block.
#[derive(Clone, Copy, Debug)]
struct Cell {
    row: u32,
    column: u32,
    c: char,
}

/// Blocks that are to be read otherwise; reused buffers.
#[derive(Debug, Default)]
pub(super) struct Layout {
    lines: Vec<Line>,
    cells: Vec<Cell>,
    reading: Vec<char>,
    covered: Vec<bool>,
    /// The readings of all blocks.
    chars: Vec<char>,
    /// Blocks, in order, and the places of their readings in `chars`.
    blocks: Vec<(SymbolRange, std::ops::Range<usize>)>,
}

/// The words that a reading should consist of.
#[derive(Clone, Copy)]
pub(super) struct Words<'w> {
    pub(super) scanner: &'w Scanner,
    pub(super) words_of_keys: &'w [Option<u32>],
}

impl Layout {
    /// Finds the blocks of a text that are to be read otherwise. O(symbols), nothing where there are few lines.
    pub(super) fn find(
        &mut self,
        text: &FoldedText,
        found: Found<'_>,
        words: Words<'_>,
        buffers: (&mut ScanBuffer, &mut Vec<TermHit>),
    ) {
        self.blocks.clear();
        self.chars.clear();
        self.take_templates(text);
        if (text.count(Class::Clause) as usize) < SPACED_LINES_MIN - 1 || !text.plain().contains('\n') {
            return;
        }
        let (buffer, hits) = buffers;
        for field in text.fields() {
            self.take_lines(text, field);
            let lines = std::mem::take(&mut self.lines);
            let narrow = |line: &Line| line.is_compact && line.chars <= NARROW_CHARS_MAX;
            let equal = |line: &Line| line.is_compact && (2..=EQUAL_CHARS_MAX).contains(&line.chars);
            let spaced = |line: &Line| line.is_spaced && line.chars as usize <= COLUMNS_MAX;
            let blocks = lines
                .chunk_by(|a, b| spaced(a) && spaced(b))
                .filter(|block| block.len() >= SPACED_LINES_MIN && block.iter().any(|line| line.chars > 1))
                .chain(lines.chunk_by(|a, b| equal(a) && b.chars == a.chars && equal(b)))
                .chain(lines.chunk_by(|a, b| narrow(a) && narrow(b)))
                .filter(|block| block.len() >= LINES_MIN || block.iter().all(|line| line.is_spaced));
            for block in blocks.flat_map(|block| block.chunks(LINES_MAX)) {
                self.read(text, block, found, words, (&mut *buffer, &mut *hits));
            }
            self.lines = lines;
        }
        self.blocks.sort_unstable_by_key(|(range, _)| *range);
    }

    /// What is to be read otherwise, in order and without overlaps.
    pub(super) fn blocks(&self) -> impl Iterator<Item = (SymbolRange, &[char])> {
        self.blocks.iter().map(|(range, place)| (*range, self.chars.get(place.clone()).unwrap_or(&[])))
    }

    /// Of a group of choices the first is read.
    fn take_templates(&mut self, text: &FoldedText) {
        template::for_each_group(text, |group, choice| {
            let from = self.chars.len();
            self.chars.extend(text.plain_of(choice).chars());
            if self.chars.len() > from {
                self.blocks.push((group, from..self.chars.len()));
            }
        });
    }

    fn take_lines(&mut self, text: &FoldedText, field: SymbolRange) {
        self.lines.clear();
        let symbols = text.symbols().get(field.indexes()).unwrap_or(&[]);
        let mut start = field.start;
        let is_break = |index: u32| text.char_at(index) == Some('\n');
        let mut breaks = (field.start..).zip(symbols).filter(|(_, symbol)| symbol.class == Class::Clause);
        loop {
            let stop = breaks.find(|(index, _)| is_break(*index)).map_or(field.end, |(index, _)| index);
            let line = text.symbols().get(start as usize..stop as usize).unwrap_or(&[]);
            let chars = as_u32(line.iter().filter(|symbol| symbol.class.is_dense()).count());
            let touching =
                |pair: &[crate::text::Symbol]| pair[0].class.is_dense() && pair[1].class.is_dense();
            if chars > 0 {
                let pairs = as_u32(line.windows(2).filter(|pair| touching(pair)).count());
                self.lines.push(Line {
                    range: SymbolRange { start, end: stop },
                    chars,
                    is_spaced: pairs == 0 && line.iter().all(|symbol| symbol.class != Class::Clause),
                    is_compact: pairs + 1 == chars,
                });
            }
            if stop >= field.end {
                return;
            }
            start = stop + 1;
        }
    }

    /// Keeps a block if it says more in another order than as it is written.
    fn read(
        &mut self,
        text: &FoldedText,
        block: &[Line],
        found: Found<'_>,
        words: Words<'_>,
        (buffer, hits): (&mut ScanBuffer, &mut Vec<TermHit>),
    ) {
        let (Some(first), Some(last)) = (block.first(), block.last()) else { return };
        let range = SymbolRange { start: first.range.start, end: last.range.end };
        if self.blocks.iter().any(|(other, _)| super::overlap(*other, range)) {
            return;
        }
        self.take_cells(text, block);
        let inside = found.hits.iter().filter(|hit| range.contains(hit.range));
        let mut best = inside.map(|hit| hit.range.len() as usize).sum::<usize>().max(COVERED_MIN - 1);
        let from = self.chars.len();
        for order in [downward_left, downward_right, along] {
            self.cells.sort_by_key(order);
            self.reading.clear();
            self.reading.extend(self.cells.iter().map(|cell| cell.c));
            hits.clear();
            words.scanner.find_in_chars_into(self.reading.iter().copied(), HITS_MAX, buffer, hits);
            self.covered.clear();
            self.covered.resize(self.reading.len(), false);
            for hit in &*hits {
                if words.words_of_keys.get(hit.term as usize).is_some_and(Option::is_some) {
                    let places = self.covered.get_mut(hit.start as usize..hit.end as usize);
                    places.into_iter().flatten().for_each(|place| *place = true);
                }
            }
            let covered = self.covered.iter().filter(|is_covered| **is_covered).count();
            if covered > best && covered * 2 >= self.reading.len() {
                best = covered;
                self.chars.truncate(from);
                self.chars.extend(&self.reading);
            }
        }
        if self.chars.len() > from {
            self.blocks.push((range, from..self.chars.len()));
        }
    }

    /// Columns are counted where all lines have as many; else they go by the place in the line.
    fn take_cells(&mut self, text: &FoldedText, block: &[Line]) {
        self.cells.clear();
        let is_even = block.windows(2).all(|pair| pair[0].chars == pair[1].chars);
        for (row, line) in (0..).zip(block) {
            let symbols = text.symbols().get(line.range.indexes()).unwrap_or(&[]);
            let dense = (0..).zip(symbols).filter(|(_, symbol)| symbol.class.is_dense());
            for (rank, (place, _)) in (0..).zip(dense) {
                let column = if is_even { rank } else { place };
                let c = text.char_at(line.range.start + place).unwrap_or(' ');
                self.cells.push(Cell { row, column, c });
            }
        }
    }
}

/// From the right-hand column to the left, as old books are read.
fn downward_left(cell: &Cell) -> (u32, u32) {
    (u32::MAX - cell.column, cell.row)
}

fn downward_right(cell: &Cell) -> (u32, u32) {
    (cell.column, cell.row)
}

/// Line by line.
fn along(cell: &Cell) -> (u32, u32) {
    (cell.row, cell.column)
}
