use std::ffi::{CString, c_char, c_int, c_void};
pub struct Chdb { lib: libloading::Library, conn: *mut *mut c_void }
impl Chdb {
    pub fn open(path: &str) -> Chdb {
        unsafe {
            let lib = libloading::Library::new(path).expect("libchdb.so");
            let args: Vec<CString> = ["clickhouse"].iter().map(|s| CString::new(*s).unwrap()).collect();
            let mut argv: Vec<*mut c_char> = args.iter().map(|a| a.as_ptr().cast_mut()).collect();
            let connect: libloading::Symbol<unsafe extern "C" fn(c_int, *mut *mut c_char) -> *mut *mut c_void> = lib.get(b"chdb_connect").unwrap();
            let conn = connect(1, argv.as_mut_ptr());
            Chdb { lib, conn }
        }
    }
    pub fn run(&mut self, sql: &str) -> Result<String, String> {
        unsafe {
            let query: libloading::Symbol<unsafe extern "C" fn(*mut c_void, *const c_char, *const c_char) -> *mut c_void> = self.lib.get(b"chdb_query").unwrap();
            let error: libloading::Symbol<unsafe extern "C" fn(*mut c_void) -> *const c_char> = self.lib.get(b"chdb_result_error").unwrap();
            let buffer: libloading::Symbol<unsafe extern "C" fn(*mut c_void) -> *const u8> = self.lib.get(b"chdb_result_buffer").unwrap();
            let length: libloading::Symbol<unsafe extern "C" fn(*mut c_void) -> usize> = self.lib.get(b"chdb_result_length").unwrap();
            let destroy: libloading::Symbol<unsafe extern "C" fn(*mut c_void)> = self.lib.get(b"chdb_destroy_query_result").unwrap();
            let sql = CString::new(sql).unwrap();
            let format = CString::new("JSONCompactEachRow").unwrap();
            let result = query(*self.conn, sql.as_ptr(), format.as_ptr());
            let e = error(result);
            let out = if e.is_null() {
                let n = length(result);
                let b = buffer(result);
                Ok(if b.is_null() { String::new() } else { String::from_utf8_lossy(std::slice::from_raw_parts(b, n)).into_owned() })
            } else { Err(std::ffi::CStr::from_ptr(e).to_string_lossy().into_owned()) };
            destroy(result);
            out
        }
    }
}
