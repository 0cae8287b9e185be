//! Counts by bucket in few bytes, for those that change no more.
//!
//! For each bucket there is the distance to the one before, and the count. Example: 3 values in
//! bucket 700 and 1 in bucket 702 are the numbers 700, 3, 2, 1. A number is written as in LEB128:
//! seven bits a byte, the lowest first, and a set high bit until the last. Most counts of a tick
//! take two bytes so, and ten in a list.

/// Writes counts by rising bucket.
pub(crate) fn pack(counts: impl Iterator<Item = (u16, u64)>, mut write: impl FnMut(u8)) {
    let mut before = 0;
    for (bucket, count) in counts {
        number(u64::from(bucket - before), &mut write);
        number(count, &mut write);
        before = bucket;
    }
}

/// Writes a number.
pub(crate) fn number(mut rest: u64, write: &mut impl FnMut(u8)) {
    while rest >= 0x80 {
        write(rest as u8 | 0x80);
        rest >>= 7;
    }
    write(rest as u8);
}

/// Reads a number that [`number`] wrote.
#[inline]
pub(crate) fn read_number(read: &mut impl FnMut() -> u8) -> u64 {
    let (mut number, mut shift) = (0, 0);
    loop {
        let byte = read();
        number |= u64::from(byte & 0x7f).checked_shl(shift).unwrap_or(0);
        if byte < 0x80 {
            return number;
        }
        shift += 7;
    }
}

/// Reads the counts of some buckets that [`pack`] wrote.
pub(crate) fn unpack(
    buckets: usize,
    mut read: impl FnMut() -> u8,
) -> impl Iterator<Item = (u16, u64)> {
    let mut bucket = 0_u16;
    (0..buckets).map(move |_| {
        bucket = bucket.wrapping_add(read_number(&mut read) as u16);
        (bucket, read_number(&mut read))
    })
}

/// The packed counts of one delta.
#[derive(Clone, Debug)]
pub(crate) struct Packed {
    buckets: usize,
    bytes: Box<[u8]>,
}

impl Packed {
    pub(crate) fn new(counts: impl ExactSizeIterator<Item = (u16, u64)>) -> Self {
        let buckets = counts.len();
        let mut bytes = Vec::with_capacity(3 * buckets);
        pack(counts, |byte| bytes.push(byte));
        Self { buckets, bytes: bytes.into() }
    }

    /// The number of bytes of the counts.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn counts(&self) -> PackedCounts<'_> {
        PackedCounts { left: self.buckets, bucket: 0, bytes: self.bytes.iter() }
    }
}

/// The counts of a [`Packed`], by rising bucket.
#[derive(Clone, Debug)]
pub(crate) struct PackedCounts<'a> {
    left: usize,
    bucket: u16,
    bytes: std::slice::Iter<'a, u8>,
}

impl Iterator for PackedCounts<'_> {
    type Item = (u16, u64);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.left = self.left.checked_sub(1)?;
        let bytes = &mut self.bytes;
        let mut read = || bytes.next().copied().unwrap_or(0);
        self.bucket = self.bucket.wrapping_add(read_number(&mut read) as u16);
        Some((self.bucket, read_number(&mut read)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}
