//! The platform's ids behind keys: those that were seen last, within a bound of bytes.

use std::io::{self, Write};

use crate::lines::Lines;

/// Ids in a ring of bytes, and a table that leads there. What the ring has come round to again is forgotten.
///
/// A look-up and an insertion touch one bucket of the table, 64 bytes, and the ring.
#[derive(Clone, Debug)]
pub(super) struct NameTable {
    buckets: Lines<[Slot; WAYS]>,
    ring: Vec<u8>,
    ring_bytes_max: usize,
    /// Bytes that were ever written to the ring.
    written: u64,
}

/// Where an id is: its first byte as counted by `written`, shifted by 8, and its length.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Slot {
    key: u64,
    place: u64,
}

const WAYS: usize = 4;
/// One slot per so many bytes of the ring: ids have some ten.
const BYTES_PER_SLOT: usize = 8;

impl NameTable {
    /// An empty table; the ring grows to `bytes_max`, the table to twice as much.
    pub(super) fn new(bytes_max: u32) -> Self {
        let ring_bytes_max = bytes_max as usize;
        let slots = (ring_bytes_max / BYTES_PER_SLOT).next_power_of_two().max(WAYS);
        Self { buckets: Lines::new(slots / WAYS), ring: Vec::new(), ring_bytes_max, written: 0 }
    }

    /// Remembers an id of 1 to 255 bytes.
    pub(super) fn insert(&mut self, key: u64, id: &[u8]) {
        let Ok(length @ 1..) = u8::try_from(id.len()) else { return };
        let bucket = self.buckets.get_mut(self.buckets.number(key));
        let known = bucket.iter().position(|slot| slot.key == key && slot.place != 0);
        // What was written long ago is written again before the ring comes round to it.
        let fresh = self.written.saturating_sub(self.ring_bytes_max as u64 / 2);
        if known.is_some_and(|way| bucket[way].place >> 8 >= fresh) {
            return;
        }
        let oldest = || (0..WAYS).min_by_key(|way| bucket[*way].place).unwrap_or(0);
        let way = known.unwrap_or_else(oldest);
        bucket[way] = Slot { key, place: self.written << 8 | u64::from(length) };
        for byte in id {
            let at = usize::try_from(self.written % self.ring_bytes_max as u64).unwrap_or(0);
            match self.ring.get_mut(at) {
                Some(old) => *old = *byte,
                None => self.ring.push(*byte),
            }
            self.written += 1;
        }
    }

    /// The id behind a key, or the key itself as `#` and 16 hexadecimal digits.
    pub(super) fn name(&self, key: u64) -> String {
        let bucket = self.buckets.get(self.buckets.number(key)).copied().unwrap_or_default();
        let found = bucket.iter().find(|slot| slot.key == key && slot.place != 0);
        found.and_then(|slot| self.read(*slot)).unwrap_or_else(|| format!("#{key:016x}"))
    }

    fn read(&self, slot: Slot) -> Option<String> {
        let (start, length) = (slot.place >> 8, slot.place & 0xff);
        if start + (self.ring_bytes_max as u64) < self.written {
            return None;
        }
        let at = |place: u64| {
            let at = usize::try_from(place % self.ring_bytes_max as u64).ok()?;
            self.ring.get(at).copied()
        };
        let bytes: Option<Vec<u8>> = (start..start + length).map(at).collect();
        String::from_utf8(bytes?).ok()
    }

    /// Bytes on the heap.
    pub(super) fn memory_bytes(&self) -> usize {
        self.buckets.memory_bytes() + self.ring.capacity()
    }

    /// Writes the whole state.
    ///
    /// # Errors
    /// Those of the writer.
    pub(super) fn write_to(&self, out: &mut impl Write) -> io::Result<()> {
        let slots = self.buckets.used().flat_map(|(number, bucket)| {
            let first = u64::from(number) * WAYS as u64;
            bucket.iter().zip(first..)
        });
        let used = slots.filter(|(slot, _)| slot.place != 0);
        let count = used.clone().count() as u64;
        for number in [self.ring_bytes_max as u64, self.written, self.ring.len() as u64, count] {
            out.write_all(&number.to_le_bytes())?;
        }
        out.write_all(&self.ring)?;
        for (slot, index) in used {
            for number in [index, slot.key, slot.place] {
                out.write_all(&number.to_le_bytes())?;
            }
        }
        Ok(())
    }

    /// Takes a saved state off the front of `bytes`; none where it is cut off, or made for another bound than `bytes_max`.
    pub(super) fn load(bytes_max: u32, bytes: &mut &[u8]) -> Option<Self> {
        let mut number = || {
            let (number, rest) = bytes.split_first_chunk()?;
            *bytes = rest;
            Some(u64::from_le_bytes(*number))
        };
        let mut table = Self::new(bytes_max);
        let (bound, written, ring, count) = (number()?, number()?, number()?, number()?);
        if bound != u64::from(bytes_max) || ring != written.min(bound) || written >= 1 << 56 {
            return None;
        }
        let (ring, rest) = bytes.split_at_checked(usize::try_from(ring).ok()?)?;
        (table.ring, table.written, *bytes) = (ring.to_vec(), written, rest);
        for _ in 0..count {
            let (slot, rest) = bytes.split_first_chunk::<24>()?;
            *bytes = rest;
            let (parts, _) = slot.as_chunks::<8>();
            let [index, key, place] = [parts[0], parts[1], parts[2]].map(u64::from_le_bytes);
            let number = u32::try_from(index / WAYS as u64).ok()?;
            if number as usize >= table.buckets.count() {
                return None;
            }
            let way = usize::try_from(index).unwrap_or(0) % WAYS;
            table.buckets.get_mut(number)[way] = Slot { key, place };
        }
        Some(table)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_the_ring_comes_round_to_is_forgotten_and_what_is_seen_again_stays() {
        let mut table = NameTable::new(4096);
        for n in 0..5_000_u64 {
            table.insert(n, format!("actor{n}").as_bytes());
            table.insert(7_777_777, b"regular");
        }
        assert_eq!(
            (table.name(4_999), table.name(7_777_777)),
            ("actor4999".to_owned(), "regular".to_owned())
        );
        assert_eq!(table.name(3), "#0000000000000003");
        assert!(table.memory_bytes() <= 3 * 4096 + 512 && table.ring.len() == 4096);
    }

    proptest! {
        #[test]
        fn a_name_is_the_one_that_was_given_or_none_and_a_saved_table_goes_on_alike(
            keys in proptest::collection::vec(0..300_u64, 1..600), cut in 0..600_usize,
        ) {
            let mut table = NameTable::new(512);
            let name = |key: u64| format!("id-{key}");
            let cut = cut.min(keys.len());
            for key in &keys[..cut] {
                table.insert(*key, name(*key).as_bytes());
            }
            let mut bytes = Vec::new();
            table.write_to(&mut bytes).unwrap();
            bytes.extend(b"rest");
            let mut rest = &bytes[..];
            let mut loaded = NameTable::load(512, &mut rest).unwrap();
            prop_assert_eq!(rest, b"rest");
            for key in &keys[cut..] {
                table.insert(*key, name(*key).as_bytes());
                loaded.insert(*key, name(*key).as_bytes());
            }
            for key in 0..300 {
                let found = table.name(key);
                let unknown = format!("#{key:016x}");
                prop_assert!(found == name(key) || found == unknown);
                prop_assert_eq!(&found, &loaded.name(key));
            }
            prop_assert_eq!(table.name(keys[keys.len() - 1]), name(keys[keys.len() - 1]));
        }

        #[test]
        fn no_bytes_make_loading_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Some(mut table) = NameTable::load(512, &mut &bytes[..]) {
                table.insert(1, b"a");
                let _ = table.name(2);
            }
        }
    }
}
