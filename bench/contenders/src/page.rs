//! Reads a page of Prometheus text, to verify that it has the recorded values.
//!
//! It reads no more than the verification needs: the values of one name, added up. It does
//! not check the format, which is the exporter's tests' task.

/// Returns the sum of all samples of this name, with any labels or none.
pub fn sum(page: &str, name: &str) -> u64 {
    let values = page.lines().filter_map(|line| {
        let rest = line.strip_prefix(name)?;
        let is_whole = rest.starts_with(['{', ' ']);
        rest.rsplit_once(' ').filter(|_| is_whole)?.1.parse::<f64>().ok()
    });
    values.sum::<f64>() as u64
}

/// Returns the same sum for a page in bytes.
pub fn sum_of_bytes(page: &[u8], name: &str) -> u64 {
    sum(&String::from_utf8_lossy(page), name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_of_one_name_are_added_and_no_others() {
        let page = "# TYPE a counter\na 1\na{b=\"c d\"} 2\na_b 4\nx_a 8\n";
        assert_eq!(sum(page, "a"), 3);
    }
}
