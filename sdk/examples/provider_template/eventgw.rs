//! What a provider has to know of <eventgw/plugin.h>, by hand: the structs of ABI 0.1 that it touches,
//! field by field. The gateway's tests hold it against the layout of the headers. Tables of which only
//! some entries are used declare the others as opaque pointers.
#![allow(non_camel_case_types, dead_code)]
use std::ffi::c_void;
use std::os::raw::c_char;

pub type opaque = *const c_void;

pub const EG_OK: i32 = 0;
pub const EG_E_INVAL: i32 = -1;
pub const EG_ABI_0_1: u32 = 1;
pub const EG_PLUGIN_MAGIC: u32 = 0x4547_5031;
pub const EG_KIND_PROVIDER: u32 = 1;
pub const EG_SET_STRING: u32 = 1;

#[repr(C)]
#[derive(Clone, Copy)]
pub struct eg_str {
    pub ptr: *const u8,
    pub len: usize,
}

#[repr(C)]
pub struct eg_buf {
    pub ptr: *const u8,
    pub len: usize,
    pub release: Option<unsafe extern "C" fn(*mut c_void)>,
    pub owner: *mut c_void,
}

#[repr(C)]
pub struct eg_why {
    pub struct_size: u32,
    pub len: u32,
    pub text: [u8; 1016],
}

#[repr(C)]
pub struct eg_result {
    pub struct_size: u32,
    pub verdict: i32,
    pub call_class: u32,
    pub http_status: u32,
    pub retry_after_ns: u64,
    pub revision: u64,
    pub message: eg_str,
    pub client_text: eg_str,
    pub body: eg_buf,
    pub items: opaque,
    pub item_count: usize,
}

#[repr(C)]
pub struct eg_op {
    pub struct_size: u32,
    pub reserved: u32,
    pub deadline_ns: u64,
    pub done: unsafe extern "C" fn(*mut eg_op, i32, *const eg_result),
}

#[repr(C)]
pub struct eg_setting {
    pub struct_size: u32,
    pub kind: u32, // `type`, a word of the language
    pub flags: u32,
    pub offset: u32,
    pub min: i64,
    pub max: i64,
    pub name: *const c_char,
    pub fallback: *const c_char,
    pub choices: *const c_char,
    pub help: *const c_char,
}

#[repr(C)]
pub struct eg_life_ops {
    pub struct_size: u32,
    pub reserved: u32,
    pub create: unsafe extern "C" fn(opaque, opaque, *mut *mut c_void, *mut eg_why) -> i32,
    pub start: opaque,
    pub attach: opaque,
    pub detach: opaque,
    pub drain: opaque,
    pub destroy: unsafe extern "C" fn(*mut c_void),
}

#[repr(C)]
pub struct eg_target_traits {
    pub struct_size: u32,
    pub event_version: u32,
    pub timeout_ns: u64,
}

#[repr(C)]
pub struct eg_invocation {
    pub struct_size: u32,
    pub is_async: u32,
    pub space: eg_str,
    pub function_id: eg_str,
    pub payload: eg_str,
    pub request_id: eg_str,
    pub event: opaque,
    // ABI 0.3 goes on here; struct_size says whether that is there.
}

pub type bind_fn = unsafe extern "C" fn(*mut c_void, opaque, *mut *mut c_void, *mut eg_target_traits, *mut eg_why) -> i32;
pub type invoke_fn = unsafe extern "C" fn(*mut c_void, *mut c_void, *mut c_void, *const eg_invocation, *mut eg_op) -> i32;

#[repr(C)]
pub struct eg_provider_ops {
    pub struct_size: u32,
    pub reserved: u32,
    pub bind: bind_fn,
    pub unbind: unsafe extern "C" fn(*mut c_void, *mut c_void),
    pub invoke: invoke_fn,
    pub cancel: opaque,
}

#[repr(C)]
pub struct eg_component {
    pub struct_size: u32,
    pub kind: u32,
    pub flags: u64,
    pub name: *const c_char,
    pub summary: *const c_char,
    pub settings: *const *const eg_setting,
    pub setting_count: usize,
    pub settings_size: usize,
    pub target_settings: *const *const eg_setting,
    pub target_setting_count: usize,
    pub target_settings_size: usize,
    pub life: *const eg_life_ops,
    pub ops: *const eg_provider_ops, // const void *: by kind
}

#[repr(C)]
pub struct eg_plugin {
    pub magic: u32,
    pub struct_size: u32,
    pub abi_built: u32,
    pub abi_needs: u32,
    pub name: *const c_char,
    pub version: *const c_char,
    pub licence: *const c_char,
    pub components: *const *const eg_component,
    pub component_count: usize,
}
