//! When a failed export is worth another try, and after how long.
