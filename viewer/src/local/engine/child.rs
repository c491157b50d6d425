//! The process that becomes ClickHouse: the one place where foreign code is loaded.

use std::{
    ffi::{CStr, CString, OsString, c_char, c_int, c_void},
    os::unix::ffi::OsStringExt,
    process::ExitCode,
};

use libloading::Library;

/// `chdb_query_cmdline(argc, argv)`: runs `clickhouse local` with these arguments until it is done.
type QueryCmdline = unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut c_void;
/// `chdb_result_error(result)`: a C string, or null.
type ResultError = unsafe extern "C" fn(*mut c_void) -> *const c_char;

/// Runs the engine in this process until its standard input ends. `arguments`: the library, then those of `clickhouse local`.
///
/// Called before anything else has been set up: the engine makes the process its own (threads, signals, memory).
pub fn child_main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut arguments = arguments.into_iter();
    let Some(library) = arguments.next() else {
        eprintln!("no engine library was named");
        return ExitCode::from(2);
    };
    match run(&library, arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("{reason}");
            ExitCode::FAILURE
        }
    }
}

#[expect(unsafe_code, reason = "ClickHouse as a library has a C interface, and this is the one place that calls it")]
fn run(library: &OsString, arguments: impl Iterator<Item = OsString>) -> Result<(), String> {
    let arguments = std::iter::once(OsString::from("clickhouse"))
        .chain(arguments)
        .map(|argument| CString::new(argument.into_vec()).map_err(|error| error.to_string()))
        .collect::<Result<Vec<_>, _>>()?;
    let mut argv: Vec<*mut c_char> = arguments.iter().map(|argument| argument.as_ptr().cast_mut()).collect();
    let argc = c_int::try_from(argv.len()).map_err(|error| error.to_string())?;
    argv.push(std::ptr::null_mut());

    // SAFETY: the library is the engine's own, whose size was checked when it was put into the cache; both symbols have the
    // types its header gives them; `argv` holds `argc` C strings and a final null, all of which outlive the call.
    unsafe {
        let library = Library::new(library).map_err(|error| error.to_string())?;
        let query_cmdline = library.get::<QueryCmdline>(b"chdb_query_cmdline\0").map_err(|error| error.to_string())?;
        let result_error = library.get::<ResultError>(b"chdb_result_error\0").map_err(|error| error.to_string())?;
        let result = query_cmdline(argc, argv.as_mut_ptr());
        if result.is_null() {
            return Err("the engine returned no result".to_owned());
        }
        let error = result_error(result);
        if error.is_null() { Ok(()) } else { Err(CStr::from_ptr(error).to_string_lossy().into_owned()) }
        // Neither the result nor the library is given back: the process ends here.
    }
}
