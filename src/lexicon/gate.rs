//! Sets of literals of which patterns need one each.

use std::collections::HashMap;

use super::pattern::{Need, Pattern};
use super::rule::AtomId;

/// Number of a set of required literals.
pub(super) type GateId = u32;

/// A set of literals of which some patterns need one.
#[derive(Debug)]
pub(super) struct Gate {
    pub(super) words: Vec<String>,
    /// The patterns whose most telling set this is.
    pub(super) first_of: Vec<AtomId>,
}

/// The sets that a text satisfies.
#[derive(Debug, Default)]
pub(super) struct OpenGates {
    pub(super) list: Vec<GateId>,
    is_open: Vec<bool>,
}

impl OpenGates {
    pub(super) fn clear(&mut self) {
        for gate in self.list.drain(..) {
            self.is_open[gate as usize] = false;
        }
    }

    /// Notes that a literal of these sets was found.
    #[inline]
    pub(super) fn see(&mut self, gates: &[GateId]) {
        for gate in gates {
            let index = *gate as usize;
            if index >= self.is_open.len() {
                self.is_open.resize(index + 1, false);
            }
            if !self.is_open[index] {
                self.is_open[index] = true;
                self.list.push(*gate);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    pub(super) fn has(&self, gate: GateId) -> bool {
        self.is_open.get(gate as usize).is_some_and(|open| *open)
    }
}

/// Numbers the sets of required literals of all patterns; equal sets share a number.
pub(super) fn number_gates(patterns: &[Option<Pattern>]) -> (Vec<Gate>, Vec<Vec<GateId>>) {
    let (mut gates, mut numbers) = (Vec::new(), HashMap::new());
    let mut gates_of = vec![Vec::new(); patterns.len()];
    for (atom, pattern) in (0_u32..).zip(patterns) {
        let Some(Pattern { need: Need::AllOf(sets), .. }) = pattern else { continue };
        for (rank, words) in sets.iter().enumerate() {
            let next = u32::try_from(gates.len()).unwrap_or(u32::MAX);
            let number = *numbers.entry(words).or_insert_with(|| {
                gates.push(Gate { words: words.clone(), first_of: Vec::new() });
                next
            });
            gates_of[atom as usize].push(number);
            if rank == 0 {
                gates[number as usize].first_of.push(atom);
            }
        }
    }
    (gates, gates_of)
}
