//! The world around both programs: Lambda's platform, functions, ClickHouse.
