//! The real parts that node0's tests run against.
