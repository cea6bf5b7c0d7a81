//! The C boundary of the in-process ClickHouse: the only `unsafe` of the project.
//!
//! The library cannot be unloaded and crashes now and then when a process takes it down, so the process leaves through `_exit` instead:
//! a hook that runs before everything that the library has registered keeps the exit code. Its handlers of fatal signals wait for
//! minutes, so they are switched off: a crash ends the process at once.

use std::ffi::{CString, c_char, c_int, c_void};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use libloading::os::unix::Library;

type Handle = *mut c_void;
type Connect = unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut Handle;
type Query = unsafe extern "C" fn(Handle, *const c_char, usize, *const c_char, usize) -> Handle;
type Text = unsafe extern "C" fn(Handle) -> *const c_char;
type Length = unsafe extern "C" fn(Handle) -> usize;
type Destroy = unsafe extern "C" fn(Handle);
type SetSignalHandlers = unsafe extern "C" fn(c_int);
type OnExit = unsafe extern "C" fn(extern "C" fn(c_int, *mut c_void), *mut c_void) -> c_int;

unsafe extern "C" {
    fn _exit(status: c_int) -> !;
}

/// The one connection of the process.
pub struct Connection {
    handle: Handle,
    query: Query,
    error: Text,
    buffer: Text,
    length: Length,
    destroy: Destroy,
    on_exit: OnExit,
}

// SAFETY: the engine has no thread-local state of a connection; the mutex around the connection makes calls one at a time.
unsafe impl Send for Connection {}

impl Connection {
    /// Loads the library and opens a server, in memory unless the arguments say where. May be called once in a process.
    ///
    /// # Errors
    /// What could not be loaded or opened.
    pub fn open(path: &Path, arguments: &[String]) -> Result<Connection, String> {
        // SAFETY: the file is the pinned library, whose initialisers need nothing from us; the names and types are those of its header.
        let connection = unsafe { Self::load(path, arguments) }
            .map_err(|error| format!("cannot load {}: {error}", path.display()))?;
        if connection.handle.is_null() {
            return Err("ClickHouse did not open a connection".to_owned());
        }
        let _ = FOLDER.set(scratch_folder());
        connection.leave_by_hook();
        Ok(connection)
    }

    unsafe fn load(path: &Path, arguments: &[String]) -> Result<Connection, libloading::Error> {
        // The first one is the program's name.
        let all = std::iter::once("").chain(arguments.iter().map(String::as_str));
        let texts: Vec<CString> = all.filter_map(|text| CString::new(text).ok()).collect();
        let mut arguments: Vec<*mut c_char> = texts.iter().map(|text| text.as_ptr().cast_mut()).collect();
        let count = c_int::try_from(arguments.len()).unwrap_or(1);
        arguments.push(std::ptr::null_mut());
        // SAFETY: see `open`. The library stays loaded to the end of the process (`forget`), so the function pointers stay valid.
        unsafe {
            let library = Library::new(path)?;
            library.get::<SetSignalHandlers>(b"chdb_set_signal_handlers_enabled\0")?(0);
            let connect = *library.get::<Connect>(b"chdb_connect\0")?;
            let opened = connect(count, arguments.as_mut_ptr());
            let connection = Connection {
                handle: if opened.is_null() { std::ptr::null_mut() } else { *opened },
                query: *library.get::<Query>(b"chdb_query_n\0")?,
                error: *library.get::<Text>(b"chdb_result_error\0")?,
                buffer: *library.get::<Text>(b"chdb_result_buffer\0")?,
                length: *library.get::<Length>(b"chdb_result_length\0")?,
                destroy: *library.get::<Destroy>(b"chdb_destroy_query_result\0")?,
                on_exit: *Library::this().get::<OnExit>(b"on_exit\0")?,
            };
            std::mem::forget(library);
            Ok(connection)
        }
    }

    /// Runs one statement and returns its output in the format.
    ///
    /// # Errors
    /// The engine's message.
    pub fn query(&mut self, sql: &str, format: &str) -> Result<Vec<u8>, String> {
        // SAFETY: both texts live over the call and go with their lengths; the result is read before it is destroyed, once.
        let outcome = unsafe {
            let result =
                (self.query)(self.handle, sql.as_ptr().cast(), sql.len(), format.as_ptr().cast(), format.len());
            if result.is_null() {
                return Err("ClickHouse gave no result".to_owned());
            }
            let error = (self.error)(result);
            let outcome = if error.is_null() {
                Ok(bytes((self.buffer)(result), (self.length)(result)))
            } else {
                Err(std::ffi::CStr::from_ptr(error).to_string_lossy().into_owned())
            };
            (self.destroy)(result);
            outcome
        };
        // Whatever the statement has made the library register would run before the hook, if it were not registered anew.
        self.leave_by_hook();
        outcome
    }

    fn leave_by_hook(&self) {
        // SAFETY: the hook is a function of this program and takes no argument.
        unsafe { (self.on_exit)(leave, std::ptr::null_mut()) };
    }
}

unsafe fn bytes(start: *const c_char, length: usize) -> Vec<u8> {
    if start.is_null() || length == 0 {
        return Vec::new();
    }
    // SAFETY: the caller passes the buffer of a living result and its length.
    unsafe { std::slice::from_raw_parts(start.cast::<u8>(), length) }.to_vec()
}

/// The folder that the engine made for itself and does not remove.
static FOLDER: OnceLock<Option<PathBuf>> = OnceLock::new();

extern "C" fn leave(status: c_int, _: *mut c_void) {
    if let Some(Some(folder)) = FOLDER.get() {
        let _ = std::fs::remove_dir_all(folder);
    }
    // SAFETY: ends the process; Rust has flushed its streams before it called `exit`.
    unsafe { _exit(status) }
}

/// The in-memory server keeps a status file open in a new temporary folder: that is how to find the folder of this process.
fn scratch_folder() -> Option<PathBuf> {
    let open = std::fs::read_dir("/proc/self/fd").ok()?;
    let mut targets = open.filter_map(|entry| std::fs::read_link(entry.ok()?.path()).ok());
    targets.find_map(|target| {
        let folder = target.parent()?;
        let ours = target.ends_with("status") && folder.file_name()?.to_str()?.starts_with("clickhouse-embedded-");
        ours.then(|| folder.to_owned())
    })
}
