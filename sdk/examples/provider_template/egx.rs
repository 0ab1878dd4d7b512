//! What makes a plugin in Rust shorter: the least of what <eventgw-sdk/egx.h> is for C.
use crate::eventgw::*;
use std::borrow::Cow;

/// A constant that is made of pointers to constants, which nobody changes.
#[repr(transparent)]
pub struct Shared<T>(pub T);
unsafe impl<T> Sync for Shared<T> {}

/// A constant text that ends with NUL, for the tables.
macro_rules! c {
    ($text:literal) => {
        concat!($text, "\0").as_ptr() as *const std::os::raw::c_char
    };
}

/// Borrowed; bytes that are no UTF-8 become U+FFFD.
pub unsafe fn text_of<'a>(text: eg_str) -> Cow<'a, str> {
    if text.len == 0 {
        return "".into();
    }
    String::from_utf8_lossy(std::slice::from_raw_parts(text.ptr, text.len))
}

/// The sentence that goes with a refusal; why may be NULL.
pub unsafe fn refuse(why: *mut eg_why, sentence: &str) -> i32 {
    if let Some(why) = why.as_mut() {
        let len = sentence.len().min(why.text.len());
        why.text[..len].copy_from_slice(&sentence.as_bytes()[..len]);
        why.len = len as u32;
    }
    EG_E_INVAL
}
