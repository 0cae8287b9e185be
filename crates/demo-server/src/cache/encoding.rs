//! The stored form of an order: JSON, compressed where that saves space.
//!
//! The first byte tells plain JSON from LZ4. A Redis may hold bytes of other programs
//! under the same key, so bytes that are not an order are read as a miss.

use crate::orders::Order;

/// The length in bytes from which an order's JSON is compressed.
const COMPRESSED_FROM: usize = 256;
/// The longest JSON that is decompressed; bytes that announce more were not written here.
const MAX_BYTES: usize = 1 << 20;

const PLAIN: u8 = 0;
const LZ4: u8 = 1;

/// An order as it is stored, and the length of its JSON in bytes.
pub(super) struct Encoded {
    pub(super) bytes: Vec<u8>,
    pub(super) raw: usize,
}

/// Encodes an order; `None` if it has no JSON form.
pub(super) fn encode(order: &Order) -> Option<Encoded> {
    let json = serde_json::to_vec(order).ok()?;
    let raw = json.len();
    let (kind, body) = match raw {
        ..COMPRESSED_FROM => (PLAIN, json),
        _ => (LZ4, lz4_flex::compress_prepend_size(&json)),
    };
    let mut bytes = vec![kind];
    bytes.extend(body);
    Some(Encoded { bytes, raw })
}

/// Decodes an order; `None` for other bytes, which another program may have stored.
pub(super) fn decode(bytes: &[u8]) -> Option<Order> {
    match bytes.split_first()? {
        (&PLAIN, json) => serde_json::from_slice(json).ok(),
        (&LZ4, compressed) => {
            let (size, _) = lz4_flex::block::uncompressed_size(compressed).ok()?;
            if size > MAX_BYTES {
                return None;
            }
            serde_json::from_slice(&lz4_flex::decompress_size_prepended(compressed).ok()?).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::Item;

    fn order(items: usize) -> Order {
        Order {
            id: "1".into(),
            customer: "a".into(),
            items: vec![Item { sku: "tea".into(), quantity: 1 }; items],
            total_cents: 499,
            created_at: 0,
        }
    }

    #[test]
    fn short_and_long_orders_come_back() {
        for (items, kind) in [(1, PLAIN), (100, LZ4)] {
            let encoded = encode(&order(items)).expect("it can be written");
            assert_eq!(encoded.bytes[0], kind);
            assert_eq!(decode(&encoded.bytes), Some(order(items)));
        }
        let long = encode(&order(100)).expect("it can be written");
        assert!(long.bytes.len() < long.raw / 4);
    }

    #[test]
    fn foreign_bytes_are_no_order() {
        for bytes in
            [&b""[..], b"\x00{", b"\x01\xff\xff\xff\xff", b"\x01\x04\x00\x00\x00ab", b"\x07"]
        {
            assert_eq!(decode(bytes), None, "{bytes:?}");
        }
    }
}
