//! The wire format of protobuf, as far as it is needed.
//!
//! A library would bring a code generator or a copy of each page: an exporter writes four kinds of
//! fields, in one pass.

/// The bytes that are kept free for a length until it is known.
const LENGTH_BYTES: usize = 1;

/// The fields of a message, encoded.
#[derive(Debug, Default)]
pub(crate) struct Message(Vec<u8>);

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH: u32 = 2;

impl Message {
    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// Appends fields that are encoded already.
    pub(crate) fn raw(&mut self, fields: &[u8]) {
        self.0.extend_from_slice(fields);
    }

    #[inline]
    pub(crate) fn uint(&mut self, field: u32, value: u64) {
        self.tag(field, VARINT);
        varint(&mut self.0, value);
    }

    #[inline]
    pub(crate) fn sint(&mut self, field: u32, value: i64) {
        self.uint(field, zigzag(value));
    }

    #[inline]
    pub(crate) fn double(&mut self, field: u32, value: f64) {
        self.tag(field, FIXED64);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    #[inline]
    pub(crate) fn bytes(&mut self, field: u32, value: &[u8]) {
        self.head(field, value.len());
        self.0.extend_from_slice(value);
    }

    /// Begins a field of so many bytes, which [`Self::raw`] and others append.
    #[inline]
    pub(crate) fn head(&mut self, field: u32, length: usize) {
        self.tag(field, LENGTH);
        varint(&mut self.0, length as u64);
    }

    /// Appends an element of a packed field.
    #[inline]
    pub(crate) fn packed_sint(&mut self, value: i64) {
        varint(&mut self.0, zigzag(value));
    }

    /// Appends a message within this one.
    ///
    /// It is written in place. Most are short and have a length of one byte; a longer one is moved
    /// to make room.
    pub(crate) fn message(&mut self, field: u32, write: impl FnOnce(&mut Self)) {
        self.tag(field, LENGTH);
        let start = self.0.len();
        self.0.resize(start + LENGTH_BYTES, 0);
        write(self);
        let length = self.0.len() - start - LENGTH_BYTES;
        if let Ok(short @ ..0x80) = u8::try_from(length) {
            self.0[start] = short;
            return;
        }
        let mut prefix = Vec::with_capacity(10);
        varint(&mut prefix, length as u64);
        self.0.splice(start..start + LENGTH_BYTES, prefix);
    }

    #[inline]
    fn tag(&mut self, field: u32, wire_type: u32) {
        varint(&mut self.0, u64::from(field << 3 | wire_type));
    }
}

/// Appends a number, seven bits to the byte.
#[inline]
pub(crate) fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// The size of a number with a fraction, in a field whose number is below 16.
pub(crate) const SIZE_OF_DOUBLE: usize = 1 + size_of::<f64>();

/// Returns the size of a number in a field whose number is below 16.
#[inline]
pub(crate) fn size_of_uint(value: u64) -> usize {
    let bits = u64::BITS - (value | 1).leading_zeros();
    1 + bits.div_ceil(7) as usize
}

/// Returns the size of a field of so many bytes, whose number is below 16.
pub(crate) fn size_of_bytes(length: usize) -> usize {
    size_of_uint(length as u64) + length
}

/// Maps numbers near zero to small ones, whatever their sign.
fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}
