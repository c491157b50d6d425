//! `lambdaview patterns`, as it is typed.

use std::path::PathBuf;

use clap::Args;
use lambdaview_queries::name::NamePattern;

use super::SelectArgs;
use crate::patterns::Column;

/// `lambdaview patterns`.
#[derive(Debug, Args)]
pub struct PatternsArgs {
    /// The functions; default: all.
    #[arg(value_name = "F")]
    pub functions: Vec<NamePattern>,
    /// Tell each pattern's lines apart: function, version, level, or several of them.
    #[arg(long, value_enum, value_delimiter = ',', value_name = "COLUMNS")]
    pub by: Vec<Column>,
    /// How many patterns to print, the dearest first.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 30)]
    pub lines: usize,
    /// Which lines.
    #[command(flatten)]
    pub select: SelectArgs,
    /// Prices to use, in the form of `lambdaview cost --show-rates`.
    #[arg(long, value_name = "FILE")]
    pub rates: Option<PathBuf>,
}

pub(super) const HELP: &str = "\
Lines that differ only in numbers, ids, quoted values or single words are one pattern; <*> stands for what changes. Each has its share of
the bytes, what it costs a month to take into CloudWatch, and what would make it cheaper.

Up to --max-rows lines (default: 1000000) each one is read, and counts are exact. Of more, one in so many is read, which is said.

JSON, one object a pattern, the dearest first: see `lambdaview help json`.

Examples:
  lambdaview patterns checkout --since 1d
  lambdaview patterns checkout --level error
  lambdaview patterns --by function,level -o csv > patterns.csv";
