//! Messages as bytes. What would take far more room in memory than it has bytes is refused before it is read.

use std::marker::PhantomData;

use prost::Message;
use tonic::Status;
use tonic::codec::{Codec, DecodeBuf, Decoder};
use tonic_prost::{ProstCodec, ProstEncoder};

use super::status::status_of;
use crate::serve::problem::{Problem, ProblemCode};

/// Most fields of a message, those of messages inside not counted: an empty item of a batch is two bytes, and some hundred in
/// memory.
const FIELDS_MAX: usize = 8192;

/// The codec of the calls.
#[derive(Debug)]
pub(super) struct BoundedCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for BoundedCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for BoundedCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = BoundedDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::default().encoder()
    }

    fn decoder(&mut self) -> Self::Decoder {
        BoundedDecoder(PhantomData)
    }
}

/// The half that reads.
#[derive(Debug)]
pub(super) struct BoundedDecoder<U>(PhantomData<U>);

impl<U: Message + Default> Decoder for BoundedDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buf: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        use tonic::codegen::Bytes;
        let bytes: Bytes = prost::bytes::Buf::copy_to_bytes(buf, prost::bytes::Buf::remaining(buf));
        let refused = |detail: String| status_of(&Problem::new(ProblemCode::InvalidBody, detail));
        if !has_few_fields(&bytes, FIELDS_MAX) {
            return Err(refused(format!("fields_max: a message has at most {FIELDS_MAX} fields")));
        }
        U::decode(bytes).map(Some).map_err(|e| refused(e.to_string()))
    }
}

/// Whether a message has at most so many fields. What cannot be read ends the count: reading it fails.
fn has_few_fields(mut bytes: &[u8], most: usize) -> bool {
    for _ in 0..most {
        let Some(rest) = skip_field(bytes) else { return true };
        bytes = rest;
    }
    bytes.is_empty()
}

/// What follows the first field; nothing if there is none.
fn skip_field(bytes: &[u8]) -> Option<&[u8]> {
    let (key, rest) = varint(bytes)?;
    match key & 7 {
        0 => varint(rest).map(|(_, rest)| rest),
        1 => rest.get(8..),
        2 => {
            let (length, rest) = varint(rest)?;
            rest.get(usize::try_from(length).ok()?..)
        }
        5 => rest.get(4..),
        // Groups begin and end; each counts.
        3 | 4 => Some(rest),
        _ => None,
    }
}

fn varint(bytes: &[u8]) -> Option<(u64, &[u8])> {
    let mut number = 0_u64;
    for (index, byte) in bytes.iter().enumerate().take(10) {
        number |= u64::from(byte & 0x7f) << (7 * index).min(63);
        if byte & 0x80 == 0 {
            return Some((number, &bytes[index + 1..]));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::v1;
    use super::*;

    proptest! {
        #[test]
        fn fields_are_counted_as_they_are_written(items in 0_usize..40, key in "[a-z]{0,300}", millis: u32) {
            let batch = v1::CheckBatchRequest {
                items: vec![v1::CheckRequest::default(); items],
                idempotency_key: key.clone(),
                timeout_ms: millis,
                with_json: false,
            };
            let fields = items + usize::from(!key.is_empty()) + usize::from(millis > 0);
            let bytes = batch.encode_to_vec();
            prop_assert!(has_few_fields(&bytes, fields));
            prop_assert!(fields == 0 || !has_few_fields(&bytes, fields - 1));
        }

        #[test]
        fn any_bytes_are_counted_or_given_up(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            // What is read as a message was counted to its end.
            if v1::CheckBatchRequest::decode(&bytes[..]).is_ok() {
                prop_assert!(has_few_fields(&bytes, bytes.len()));
            }
        }
    }
}
