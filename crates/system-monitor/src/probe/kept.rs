//! A file that stays open, so that it can be read when no other can be opened.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;

/// The largest content that is read.
const MOST_BYTES: usize = 16 * 1024;

/// A file of `/proc`, opened at the first reading; the kernel makes its content anew for each.
#[derive(Debug)]
pub(super) struct Kept {
    path: PathBuf,
    /// `None` while it could not be opened.
    file: Option<File>,
    content: Vec<u8>,
}

impl Kept {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, file: None, content: vec![0; MOST_BYTES] }
    }

    /// Reads the present content; `None` if the file cannot be read.
    pub(super) fn read(&mut self) -> Option<&[u8]> {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let file = self.file.as_ref()?;
        let mut bytes = 0;
        loop {
            match file.read_at(&mut self.content[bytes..], bytes as u64) {
                Ok(0) => return Some(&self.content[..bytes]),
                Ok(read) => bytes += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }
}
