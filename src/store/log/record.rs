//! The bytes of a log: segment headers and records, each bound to everything before it.
//!
//! ```text
//! header   magic 8 · segment u64 · first sequence u64 · time ms i64 · link 32 · crc u32
//! record   body length u32 · crc u32 · body
//! body     sequence u64 · time ms i64 · link 32 · private digest 32 · public length u32 · public · private
//! ```
//! All numbers are little-endian. The CRC-32 covers the length and the body. A record's link is SHA-256 over the link before it,
//! sequence, time, the digest of its public part and that of its private part, so that the private part can be taken
//! out later without breaking the chain. A private part begins with random bytes: its digest, which stays, must not let
//! anybody guess a phone number. A part that was taken out is as many zeros: no place in the log moves, and whoever reads it
//! at that moment goes on.

use sha2::{Digest as _, Sha256};

/// SHA-256 of something.
pub type Digest = [u8; 32];

const MAGIC: [u8; 8] = *b"QLLOG\x00\x01\n";
/// Bytes of a segment's header.
pub const HEADER_BYTES: usize = 8 + 8 + 8 + 8 + 32 + 4;
/// Bytes before a record's body.
const PREFIX_BYTES: usize = 8;
/// Bytes of a body without its parts.
const FIXED_BYTES: usize = 8 + 8 + 32 + 32 + 4;
/// Largest record, both parts and all numbers together.
pub const RECORD_BYTES_MAX: usize = 16 << 20;
/// Random bytes at the start of a private part.
pub(super) const SALT_BYTES: usize = 16;

/// What stands at the start of a segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Number of the segment, from 1.
    pub segment: u64,
    /// Sequence of its first record.
    pub first: u64,
    /// When it was begun, in milliseconds since 1970.
    pub time_ms: i64,
    /// Link of the last record before it.
    pub link: Digest,
}

/// One record as it lies in a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Counts records from 1, without gaps.
    pub sequence: u64,
    /// When it was appended, in milliseconds since 1970.
    pub time_ms: i64,
    /// Binds it to all records before.
    pub link: Digest,
    /// Digest of the private part; zeros for records that never had one.
    pub private_digest: Digest,
    /// What stays for as long as the segment.
    pub public: Vec<u8>,
    /// What may be purged earlier, without its random bytes; none when there was nothing or nothing is left.
    pub private: Option<Vec<u8>>,
}

/// What stands at a place of a segment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// A whole record and its length in bytes.
    Whole(Record, usize),
    /// The segment ends before the record does.
    Short,
    /// What stands here is no record.
    Damaged(&'static str),
}

impl Header {
    pub(super) fn encode(&self) -> [u8; HEADER_BYTES] {
        let mut bytes = [0; HEADER_BYTES];
        bytes[..8].copy_from_slice(&MAGIC);
        bytes[8..16].copy_from_slice(&self.segment.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.first.to_le_bytes());
        bytes[24..32].copy_from_slice(&self.time_ms.to_le_bytes());
        bytes[32..64].copy_from_slice(&self.link);
        let sum = crc32fast::hash(&bytes[..64]);
        bytes[64..].copy_from_slice(&sum.to_le_bytes());
        bytes
    }

    /// Reads a header; nothing if these bytes are none.
    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes;
        let covered = bytes.get(..HEADER_BYTES - 4)?;
        let magic: [u8; 8] = take(&mut rest)?;
        let header = Self {
            segment: u64::from_le_bytes(take(&mut rest)?),
            first: u64::from_le_bytes(take(&mut rest)?),
            time_ms: i64::from_le_bytes(take(&mut rest)?),
            link: take(&mut rest)?,
        };
        let sum = u32::from_le_bytes(take(&mut rest)?);
        (magic == MAGIC && sum == crc32fast::hash(covered)).then_some(header)
    }
}

/// Takes a fixed number of bytes off the front.
fn take<const N: usize>(bytes: &mut &[u8]) -> Option<[u8; N]> {
    let (first, rest) = bytes.split_first_chunk::<N>()?;
    *bytes = rest;
    Some(*first)
}

/// The link of a record.
fn link_of(before: &Digest, sequence: u64, time_ms: i64, public: &[u8], private_digest: &Digest) -> Digest {
    let mut hash = Sha256::new();
    hash.update(before);
    hash.update(sequence.to_le_bytes());
    hash.update(time_ms.to_le_bytes());
    hash.update(Sha256::digest(public));
    hash.update(private_digest);
    hash.finalize().into()
}

/// Appends a record behind `before` and returns its link. `private` is the private part with its random bytes.
///
/// The parts together are shorter than [`RECORD_BYTES_MAX`]; the caller has checked it.
pub(super) fn encode_into(
    before: &Digest,
    (sequence, time_ms): (u64, i64),
    (public, private): (&[u8], Option<&[u8]>),
    out: &mut Vec<u8>,
) -> Digest {
    let private_digest = private.map_or([0; 32], |private| Sha256::digest(private).into());
    let link = link_of(before, sequence, time_ms, public, &private_digest);
    write_into((sequence, time_ms), &link, &private_digest, (public, private.unwrap_or_default()), out);
    link
}

/// Writes zeros over the private part of the record that [`parse`] has read from `bytes`; everything else, the link too, stays.
pub(super) fn erase_private(record: &Record, bytes: &mut [u8]) {
    if let Some(private) = bytes.get_mut(PREFIX_BYTES + FIXED_BYTES + record.public.len()..) {
        private.fill(0);
    }
    let sum = sum_of(bytes);
    if let Some(place) = bytes.get_mut(4..PREFIX_BYTES) {
        place.copy_from_slice(&sum.to_le_bytes());
    }
}

fn write_into(
    (sequence, time_ms): (u64, i64),
    link: &Digest,
    private_digest: &Digest,
    (public, private): (&[u8], &[u8]),
    out: &mut Vec<u8>,
) {
    let start = out.len();
    let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX).to_le_bytes();
    out.extend_from_slice(&length(FIXED_BYTES + public.len() + private.len()));
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(&sequence.to_le_bytes());
    out.extend_from_slice(&time_ms.to_le_bytes());
    out.extend_from_slice(link);
    out.extend_from_slice(private_digest);
    out.extend_from_slice(&length(public.len()));
    out.extend_from_slice(public);
    out.extend_from_slice(private);
    let sum = sum_of(&out[start..]);
    out[start + 4..start + 8].copy_from_slice(&sum.to_le_bytes());
}

/// CRC-32 over a record's length and body.
fn sum_of(record: &[u8]) -> u32 {
    let mut sum = crc32fast::Hasher::new();
    sum.update(&record[..4]);
    sum.update(&record[PREFIX_BYTES..]);
    sum.finalize()
}

/// Reads the record at the start of `bytes`.
pub(super) fn parse(bytes: &[u8]) -> Parsed {
    let Some(prefix) = bytes.first_chunk::<4>() else { return Parsed::Short };
    let length = u32::from_le_bytes(*prefix) as usize;
    if !(FIXED_BYTES..=RECORD_BYTES_MAX).contains(&length) {
        return Parsed::Damaged("the length of a record is impossible");
    }
    let Some(record) = bytes.get(..PREFIX_BYTES + length) else { return Parsed::Short };
    match parse_whole(record) {
        Some(record) => Parsed::Whole(record, PREFIX_BYTES + length),
        None => Parsed::Damaged("the checksum of a record does not fit"),
    }
}

fn parse_whole(record: &[u8]) -> Option<Record> {
    let mut rest = record.get(4..)?;
    let sum = u32::from_le_bytes(take(&mut rest)?);
    if sum != sum_of(record) {
        return None;
    }
    let sequence = u64::from_le_bytes(take(&mut rest)?);
    let time_ms = i64::from_le_bytes(take(&mut rest)?);
    let (link, private_digest) = (take(&mut rest)?, take(&mut rest)?);
    let public_bytes = u32::from_le_bytes(take(&mut rest)?) as usize;
    let (public, private) = rest.split_at_checked(public_bytes)?;
    let is_erased = private.iter().all(|byte| *byte == 0);
    let private = if is_erased { None } else { Some(private.get(SALT_BYTES..)?.to_vec()) };
    Some(Record { sequence, time_ms, link, private_digest, public: public.to_vec(), private })
}

/// Checks a record against its bytes and the link before it.
///
/// `bytes` are those that [`parse`] read the record from.
pub(super) fn is_linked(record: &Record, bytes: &[u8], before: &Digest) -> bool {
    let private = bytes.get(PREFIX_BYTES + FIXED_BYTES + record.public.len()..).unwrap_or_default();
    let is_private_whole =
        record.private.is_none() || <Digest>::from(Sha256::digest(private)) == record.private_digest;
    let Record { sequence, time_ms, public, private_digest, .. } = record;
    is_private_whole && record.link == link_of(before, *sequence, *time_ms, public, private_digest)
}

/// The first whole record behind a damaged place: its distance in bytes. Looks for one whose sequence comes soon after
/// `sequence`. O(bytes).
pub(super) fn resync(bytes: &[u8], sequence: u64) -> Option<usize> {
    const AHEAD_MAX: u64 = 1 << 24;
    (1..bytes.len().saturating_sub(PREFIX_BYTES + FIXED_BYTES - 1)).find(|start| {
        let rest = &bytes[*start..];
        let found = rest.get(PREFIX_BYTES..).and_then(|body| body.first_chunk::<8>());
        let is_near = found.is_some_and(|found| {
            let found = u64::from_le_bytes(*found);
            found >= sequence && found - sequence < AHEAD_MAX
        });
        is_near && matches!(parse(rest), Parsed::Whole(..))
    })
}
